// plugin.json, checked.
#pragma once

#include <bulkhead/transport/geometry.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/manifest.hpp"

namespace bulkhead::detail {

// A limit of 0 is not set.
struct ProcessLimits {
    std::uint64_t address_space = 0;  // bytes
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;  // bytes
    std::uint64_t cpu_seconds = 0;
    std::uint64_t stack = 0;  // bytes
};

struct Supervision {
    std::chrono::milliseconds start{10'000};      // from order to ready
    std::chrono::milliseconds call{30'000};       // default deadline
    std::chrono::milliseconds stop{2'000};        // from asking a worker to stop to killing it
    std::chrono::milliseconds hang_grace{1'000};  // from an expired deadline to killing the worker
    std::uint32_t restarts = 5;                   // so many within ...
    std::chrono::milliseconds within{10'000};     // ... this; one more makes the plugin unavailable
};

// Immutable after reading.
struct Manifest {
    std::string name;
    std::string version;
    std::filesystem::path directory;                                // absolute
    std::string library;                                            // file name in `directory`
    std::string config = "{}";                                      // JSON text for the plugin
    std::map<std::string, std::optional<std::string>> environment;  // empty value: the server's own
    transport::ChannelLimits channel;
    ProcessLimits process;
    Supervision supervision;
    std::map<std::string, bool> idempotent;  // overrides the plugin's own flag
};

// Reads and checks the file, or plugin.json in the folder. One sentence names file, field and cause.
result<Manifest> read_manifest(const std::filesystem::path& path);

// The same from text; `origin` is how errors call it.
result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& directory,
                                const std::string& origin);
result<Manifest> parse_manifest(const ManifestText& text);

}  // namespace bulkhead::detail
