// Reads what a host must know of a shared library before it is loaded.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "elf_symbols.hpp"

namespace bulkhead::worker {

inline constexpr std::size_t kMaxNeeded = 128;
inline constexpr std::size_t kMaxLibraryName = 255;

// What an ELF file says. All views point into the file or to constants.
struct ElfLibrary {
    std::string_view machine;
    std::string_view soname;  // empty: none
    std::array<std::string_view, kMaxNeeded> needed{};
    std::size_t needed_count = 0;
    bool exports_entry = false;  // bulkhead_plugin
    ElfSymbols symbols;

    // Not empty: the file cannot be used; completes "library L cannot be used: ...". Then nothing else counts.
    char fault[160] = {};
    bool is_usable() const noexcept { return fault[0] == '\0'; }
};

// The file is hostile input. Pure: no allocation, no system call, no recursion; the time is linear in the file's
// size. Any thread.
ElfLibrary read_elf_library(std::span<const std::byte> file) noexcept;

}  // namespace bulkhead::worker
