#include "support/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t failing = kNever;  // the count at which there is no memory

}  // namespace

namespace bulkhead::tests {

std::uint64_t allocations_of_this_thread() noexcept { return allocations; }

NoMemoryAfter::NoMemoryAfter(std::uint64_t so_many) noexcept { failing = allocations + so_many + 1; }
NoMemoryAfter::~NoMemoryAfter() { failing = kNever; }
bool NoMemoryAfter::happened() noexcept { return allocations >= failing; }

}  // namespace bulkhead::tests

// For plugins in a worker that counts, which look for it by name.
extern "C" __attribute__((visibility("default"))) std::uint64_t bulkhead_tests_allocations_of_this_thread() {
    return allocations;
}

// In the place of the library's own; the other forms of new and delete come down to these, those of sanitizers too.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (++allocations == failing) {
        return nullptr;
    }
    return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size) {
    if (void* memory = operator new(size, std::nothrow)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
