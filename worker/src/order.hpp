// What a worker is told to run. See "Order to a worker" in host/transport/LAYOUT.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "refusal.hpp"

namespace bulkhead::worker {

// Limits of the kernel for one process; 0 is not set.
struct Limits {
    std::uint64_t address_space = 0;  // bytes
    std::uint64_t open_files = 0;
    std::uint64_t file_size = 0;  // bytes
    std::uint64_t cpu_seconds = 0;
    std::uint64_t stack = 0;  // bytes
};

// When checkpoints are taken, beside those that the plugin asks for; 0 is never. Without effect for a plugin that does
// not save.
struct CheckpointRule {
    std::uint32_t every_calls = 0;  // 1: before each answer leaves
    std::chrono::milliseconds every{0};
};

struct Order {
    std::string plugin;
    std::string version;
    std::string directory;                  // of the manifest
    std::string library;                    // file name
    std::vector<std::string> dependencies;  // file names, bottom-up, as their descriptors
    std::string config = "{}";              // JSON
    std::map<std::string, std::string> environment;
    Limits limits;
    CheckpointRule checkpoints;
};

// The host wrote it, so what does not parse is our own mistake; it still gets a sentence.
OrRefusal<Order> parse_order(std::string_view json);

}  // namespace bulkhead::worker
