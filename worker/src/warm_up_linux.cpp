#include "warm_up.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

// Debian 12's headers lack these (kernel 5.14).
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace bulkhead::worker {
namespace {

constexpr std::uintptr_t kPage = 4096;
constexpr std::size_t kStackRoom = std::size_t{16} << 10;

// An older kernel refuses: then it is not warm.
void populate(std::uintptr_t begin, std::uintptr_t end, int how) noexcept {
    begin = begin / kPage * kPage;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, how);
}

// Data that is written later is copied only then: most of it never is.
int populate_module(dl_phdr_info* module, std::size_t, void*) noexcept {
    for (int index = 0; index < module->dlpi_phnum; ++index) {
        const ElfW(Phdr)& header = module->dlpi_phdr[index];
        if (header.p_type == PT_LOAD) {
            const std::uintptr_t begin = module->dlpi_addr + header.p_vaddr;
            populate(begin, begin + header.p_memsz, MADV_POPULATE_READ);
        }
    }
    return 0;
}

void populate_heap() noexcept {
    const auto end = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    populate(end - ::mallinfo2().arena, end, MADV_POPULATE_WRITE);
}

[[gnu::noinline]] void populate_stack() noexcept {
    volatile std::byte room[kStackRoom];
    for (std::size_t offset = 0; offset < sizeof room; offset += kPage) {
        room[offset] = std::byte{};
    }
}

}  // namespace

void warm_up() noexcept {
    ::dl_iterate_phdr(populate_module, nullptr);
    populate_heap();
    populate_stack();
}

}  // namespace bulkhead::worker
