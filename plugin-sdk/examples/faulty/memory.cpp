#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "arguments.hpp"

namespace faulty {

std::string leak(std::string_view request) {
    const auto size = parse_number<std::size_t>(request, "leak");
    // Mapped and not allocated, so that a leak checker's own opinion does not end the worker.
    void* memory =
        ::mmap(nullptr, std::max<std::size_t>(size, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::bad_alloc();
    }
    std::memset(memory, 1, size);
    return std::to_string(size);
}

std::string allocate(std::string_view request) {
    constexpr std::size_t kBlock = std::size_t{16} << 20;
    const auto most = parse_number<std::size_t>(request, "allocate");
    std::vector<std::unique_ptr<char[]>> blocks;
    std::size_t taken = 0;
    while (taken < most) {
        const std::size_t size = std::min(kBlock, most - taken);
        blocks.push_back(std::make_unique_for_overwrite<char[]>(size));
        char* (*volatile touch)(char*, std::size_t) = [](char* block, std::size_t length) {
            return static_cast<char*>(std::memset(block, 1, length));
        };
        touch(blocks.back().get(), size);
        taken += size;
    }
    return std::to_string(taken);
}

}  // namespace faulty
