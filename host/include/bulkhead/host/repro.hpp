// A call that was running at a death, or a start or a stop that ended in one, saved to be run again.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"
#include "bulkhead/host/manifest.hpp"
#include "bulkhead/host/report.hpp"
#include "bulkhead/host/saved_state.hpp"

namespace bulkhead {

// Everything it takes to bring the death about once more, as far as the host knows it. Value type.
struct Repro {
    std::string method;  // empty: no call ran; report.step tells what it died in
    std::vector<std::byte> request;
    ManifestText manifest;  // as it was read, and the folder of the library
    std::string config;     // JSON text, as the plugin was given it
    std::string library;    // file name in the folder
    std::uint64_t library_hash = 0;
    std::optional<SavedState> state;
    std::optional<std::array<std::uint8_t, 16>> trace;
    std::optional<std::chrono::nanoseconds> timeout;        // as its caller chose; none: it had no deadline
    std::optional<std::chrono::nanoseconds> deadline_left;  // at the death; negative: it had passed
    bool in_session = false;                                // it may depend on calls before it
    Report report;                                          // of the death
};

// Fails with `invalid_argument` and a sentence that names the file.
BULKHEAD_HOST_EXPORT result<Repro> read_repro(const std::filesystem::path& file);

// The hash of a library as it lies on disk now, to be compared with library_hash. Empty: it cannot be read.
BULKHEAD_HOST_EXPORT std::optional<std::uint64_t> hash_library(const std::filesystem::path& library);

}  // namespace bulkhead
