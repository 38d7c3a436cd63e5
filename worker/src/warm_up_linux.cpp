#include "warm_up.hpp"

#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "thread_stack.hpp"

// Debian 12's headers lack this (kernel 5.14).
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace bulkhead::worker {
namespace {

constexpr std::uintptr_t kPage = 4096;
constexpr std::uintptr_t kFaultAround = std::uintptr_t{64} << 10;  // Linux's default fault_around_bytes
constexpr std::uintptr_t kHeapRoom = std::uintptr_t{32} << 10;
constexpr std::size_t kStackRoom = std::size_t{16} << 10;

bool is_readable(const transport::Descriptor& descriptor) noexcept {
    pollfd one{descriptor.get(), POLLIN, 0};
    return ::poll(&one, 1, 0) > 0;
}

// One byte of each such block of a file's pages is read: the kernel maps the rest of the block along with it, which is
// several times faster than MADV_POPULATE_READ. Data that is written later is copied only then: most of it never is.
// A sanitizer puts what must not be read between a program's data; here nobody minds what is read.
[[gnu::no_sanitize("address", "undefined")]] int map_module(dl_phdr_info* module, std::size_t, void* orders) noexcept {
    if (is_readable(*static_cast<const transport::Descriptor*>(orders))) {
        return 1;  // no further one
    }
    for (int index = 0; index < module->dlpi_phnum; ++index) {
        const ElfW(Phdr)& header = module->dlpi_phdr[index];
        if (header.p_type != PT_LOAD || (header.p_flags & PF_R) == 0) {
            continue;
        }
        const std::uintptr_t begin = module->dlpi_addr + header.p_vaddr;
        const std::uintptr_t end = begin + header.p_filesz;
        for (std::uintptr_t at = begin; at < end; at = (at / kFaultAround + 1) * kFaultAround) {
            static_cast<void>(*reinterpret_cast<const volatile std::byte*>(at));
        }
    }
    return 0;
}

// Where the next allocations will lie. An older kernel refuses: then it is not warm.
void populate_heap() noexcept {
    const auto end = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    const std::uintptr_t unused = (end - ::mallinfo2().keepcost) / kPage * kPage;
    ::madvise(reinterpret_cast<void*>(unused), std::min(end - unused, kHeapRoom), MADV_POPULATE_WRITE);
}

[[gnu::noinline]] void populate_stack() noexcept {
    volatile std::byte room[kStackRoom];
    for (std::size_t offset = 0; offset < sizeof room; offset += kPage) {
        room[offset] = std::byte{};
    }
}

// The library is opened by way of its descriptor's name; the kernel makes what is behind such a name when it is first
// looked for.
void visit_own_descriptors() noexcept { static_cast<void>(::access("/proc/self/fd", F_OK)); }

}  // namespace

void warm_up(const transport::Descriptor& orders) noexcept {
    visit_own_descriptors();
    if (::dl_iterate_phdr(map_module, const_cast<transport::Descriptor*>(&orders)) != 0) {
        return;
    }
    for (void (*const step)() noexcept : {populate_heap, populate_stack, provide_handler_stack}) {
        if (is_readable(orders)) {
            return;
        }
        step();
    }
}

}  // namespace bulkhead::worker
