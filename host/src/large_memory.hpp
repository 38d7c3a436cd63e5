// Memory for large copies.
#pragma once

#include <cstddef>
#include <span>

namespace bulkhead::detail {

// Freshly allocated memory is about to be written from one end to the other. Where the allocator has mapped it for this
// one purpose, as glibc's does above 32 MiB, it comes in huge pages if the machine has any to give: fewer page faults.
// Only advice; any thread.
void expect_writes(std::span<std::byte> memory) noexcept;

}  // namespace bulkhead::detail
