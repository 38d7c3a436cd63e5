// Counts what a thread allocates, and lets one of it fail.
#pragma once

#include <cstdint>

namespace bulkhead::tests {

// How often this thread asked for memory so far, with operator new. The whole program is counted:
// its libraries too. Only for a program that is linked with allocations.cpp, as all here.
std::uint64_t allocations_of_this_thread() noexcept;

// While it lives, one of this thread's allocations finds no memory: the one after `so_many`.
class NoMemoryAfter {
  public:
    explicit NoMemoryAfter(std::uint64_t so_many) noexcept;
    NoMemoryAfter(const NoMemoryAfter&) = delete;
    NoMemoryAfter& operator=(const NoMemoryAfter&) = delete;
    ~NoMemoryAfter();

    // Whether there were so many.
    static bool happened() noexcept;
};

}  // namespace bulkhead::tests
