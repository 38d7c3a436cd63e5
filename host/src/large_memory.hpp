// Memory for large copies.
#pragma once

#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>

#include "bulkhead/host/bytes.hpp"

namespace bulkhead::detail {

// Above this glibc's allocator maps each block for itself (M_MMAP_THRESHOLD's maximum), and unmaps it when it is freed.
inline constexpr std::size_t kOwnMapping = std::size_t{32} << 20;

// Freshly allocated memory is about to be written from one end to the other. Where it is a mapping of its own it comes
// in huge pages if the machine has any to give: fewer page faults. Only advice; any thread.
void expect_writes(std::span<std::byte> memory) noexcept;

// The memory of the last large reply, for the next one: fresh pages are zeroed by the kernel before they are written,
// which is a quarter of the time of a call of 64 MiB. Any thread; the bytes that it gives may outlive it.
class ReplyMemory {
  public:
    static constexpr std::chrono::seconds kKept{1};  // after it was last taken

    // Of more than kOwnMapping. Throws std::bad_alloc.
    Bytes take(std::size_t size, transport::SteadyTime now);
    // Gives it back to the machine when it is time. When to look again.
    transport::SteadyTime check(transport::SteadyTime now) noexcept;

  private:
    struct Block;

    std::mutex mutex_;  // to unmap memory takes long, and is done without
    std::shared_ptr<Block> block_;
    transport::SteadyTime until_;
};

}  // namespace bulkhead::detail
