#include <sys/mman.h>

#include <cstdint>

#include "large_memory.hpp"

namespace bulkhead::detail {

void expect_writes(std::span<std::byte> memory) noexcept {
    constexpr std::uintptr_t kPage = 4096;
    if (memory.size() <= kOwnMapping) {
        return;
    }
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory.data()) + kPage - 1) / kPage * kPage;
    const auto end = (reinterpret_cast<std::uintptr_t>(memory.data()) + memory.size()) / kPage * kPage;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace bulkhead::detail
