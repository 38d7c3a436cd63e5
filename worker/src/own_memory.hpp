// Reading this process's memory where there may be none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bulkhead::worker {

// Copies what can be read: an address that cannot is an error here and no second fault. How many bytes from the first.
// Async-signal-safe.
std::size_t copy_own_memory(void* to, std::uint64_t from, std::size_t size) noexcept;

}  // namespace bulkhead::worker
