// Finds out whether an ELF library exports a function, the way the dynamic loader would.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bounded_bytes.hpp"

namespace bulkhead::worker {

// Where the tables lie in the file. They may lead anywhere; each step is checked.
struct ElfSymbolTables {
    std::uint64_t strings = 0;      // the string table's bytes
    std::uint64_t strings_end = 0;  // and where they end
    std::uint64_t symbols = 0;
    std::optional<std::uint64_t> gnu_hash;
    std::optional<std::uint64_t> hash;
};

bool exports_symbol(const BoundedBytes& file, const ElfSymbolTables& tables, std::string_view name) noexcept;

}  // namespace bulkhead::worker
