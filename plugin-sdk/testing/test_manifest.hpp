// The little of plugin.json that a test needs.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

namespace bulkhead::plugin::testing {

// Not validated as a host does it: `bulkhead check` and the sandbox are there for that.
struct TestManifest {
    // Throws StartFailure.
    explicit TestManifest(const std::filesystem::path& folder);

    std::filesystem::path library;
    std::string config = "{}";
    std::size_t payload_limit = std::size_t{16} << 20;
    std::size_t state_limit = std::size_t{1} << 20;
    std::chrono::milliseconds call_timeout{30'000};
};

}  // namespace bulkhead::plugin::testing
