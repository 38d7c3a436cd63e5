// How much a process holds.
#pragma once

#include <cstdint>
#include <optional>

namespace bulkhead::cli {

// A snapshot. Value type.
struct ProcessSize {
    std::uint64_t memory = 0;  // bytes of its own, resident; shared memory is not counted
    std::uint64_t threads = 0;
    std::uint64_t descriptors = 0;
};

// Empty: it is gone, or may not be looked at.
std::optional<ProcessSize> size_of_process(std::int64_t pid);

}  // namespace bulkhead::cli
