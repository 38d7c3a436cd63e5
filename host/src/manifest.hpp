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
#include "quarantine.hpp"
#include "restart_policy.hpp"

namespace bulkhead::detail {

// A limit of 0 is not set.
struct ProcessLimits {
    std::uint64_t address_space = 0;  // bytes
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;  // bytes
    std::uint64_t cpu_seconds = 0;
    std::uint64_t stack = 0;  // bytes
};

// When a worker is replaced by a fresh one although nothing is wrong with it. 0 is never.
struct Recycling {
    std::uint64_t calls = 0;
    std::chrono::milliseconds age{0};
    std::uint64_t memory = 0;  // resident bytes
};

struct Supervision {
    std::chrono::milliseconds start{10'000};      // from order to ready, and from take-over to serving
    std::chrono::milliseconds call{30'000};       // default deadline
    std::chrono::milliseconds stop{2'000};        // from asking a worker to stop to killing it
    std::chrono::milliseconds hang_grace{1'000};  // from an expired deadline to killing the worker
    std::chrono::milliseconds watchdog{0};        // so long may a call without a deadline run; 0: for ever
    RestartSettings restart;
    bool standby = false;       // a second worker, ready to take over
    std::uint32_t retries = 2;  // of a begun idempotent call
    QuarantineSettings quarantine;
    Recycling recycle;
};

enum class RefusedState : std::uint8_t { start_clean, stay_down };

// What becomes of the plugin's state; without effect when it saves none.
struct StateKeeping {
    std::uint32_t every_calls = 1;  // 0: not by calls
    std::chrono::milliseconds every{0};
    std::string path;  // where it outlives the host, absolute; empty: nowhere
    RefusedState when_refused = RefusedState::start_clean;
};

// Immutable after reading.
struct Manifest {
    std::string text;  // as it was read
    std::string name;
    std::string version;
    std::filesystem::path directory;                                // absolute
    std::string library;                                            // file name in `directory`
    std::string config = "{}";                                      // JSON text for the plugin
    std::map<std::string, std::optional<std::string>> environment;  // empty value: the server's own
    transport::ChannelLimits channel;
    Latency latency = Latency::adaptive;
    ProcessLimits process;
    Supervision supervision;
    StateKeeping state;
    std::map<std::string, bool> idempotent;  // overrides the plugin's own flag
};

// Reads and checks the file, or plugin.json in the folder. One sentence names file, field and cause.
result<Manifest> read_manifest(const std::filesystem::path& path);

// The same from text; `origin` is how errors call it.
result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& directory,
                                const std::string& origin);
result<Manifest> parse_manifest(const ManifestText& text);

}  // namespace bulkhead::detail
