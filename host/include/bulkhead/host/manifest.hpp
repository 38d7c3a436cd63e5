// What a plugin.json says.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"

namespace bulkhead {

// How caller and worker wait for each other. With one usable core they sleep at once, whatever is chosen.
enum class Latency : std::uint8_t {
    adaptive,  // look for as long as a wake-up costs on this machine, then sleep
    spin,      // look for a millisecond: for calls that follow each other closely
    park,      // sleep at once: no processor time is spent on waiting
};

// A manifest with all defaults filled in. Value type.
struct ManifestDescription {
    std::string name;
    std::string version;
    std::filesystem::path directory;  // absolute; where the library lies
    std::string library;              // file name
    std::string config;               // JSON text for the plugin

    std::uint64_t payload = 0;          // bytes of the largest request or reply
    std::uint64_t in_flight = 0;        // calls
    std::uint64_t in_flight_bytes = 0;  // bytes

    std::chrono::milliseconds start{0};       // from order to ready
    std::chrono::milliseconds call{0};        // the deadline of a call that names none
    std::chrono::milliseconds stop{0};        // from asking a worker to stop to killing it
    std::chrono::milliseconds hang_grace{0};  // from an expired deadline to killing the worker
    std::chrono::milliseconds watchdog{0};    // so long may a call without a deadline run; 0: for ever
    std::uint32_t restarts = 0;               // more deaths than this ...
    std::chrono::milliseconds within{0};      // ... in this time make the plugin unavailable

    Latency latency = Latency::adaptive;

    std::map<std::string, bool> idempotent;  // methods whose flag the manifest overrides

    // `latency` and the sections `limits`, `supervision` and `state` as JSON text, every member that has a value in it.
    std::string settings;
};

// A manifest that is not in a file of its own.
struct ManifestText {
    std::string json;
    std::filesystem::path directory;  // where the library lies
};

// Reads and checks plugin.json, or the one in a folder, without starting anything; the library is not looked at. Fails
// with `bad_manifest` and a sentence that names file, field and cause. Any thread.
BULKHEAD_HOST_EXPORT result<ManifestDescription> describe_manifest(const std::filesystem::path& path);
BULKHEAD_HOST_EXPORT result<ManifestDescription> describe_manifest(const ManifestText& text);

}  // namespace bulkhead
