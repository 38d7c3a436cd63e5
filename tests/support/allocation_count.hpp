// Counts what a thread allocates.
#pragma once

#include <cstdint>

namespace bulkhead::tests {

// How often this thread asked for memory so far, with operator new. The whole program is counted:
// its libraries too. Only for a program that is linked with allocation_count.cpp.
std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace bulkhead::tests
