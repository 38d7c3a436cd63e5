// Finds what an ELF library exports and imports, the way the dynamic loader would.
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

// A name that a library gives to others or wants from them. The view points into the file.
struct ElfSymbol {
    std::string_view name;
    bool is_export = false;  // else an import
};

// The dynamic symbols of a library, one by one. Copies; valid as long as the file's bytes. Any thread.
class ElfSymbols {
  public:
    ElfSymbols() = default;  // none
    ElfSymbols(const BoundedBytes& file, const ElfSymbolTables& tables) noexcept;

    // How many entries there are to look at; not more than fit into the file.
    std::uint64_t size() const noexcept { return size_; }
    // Empty: the entry is neither an export nor an import, or its name cannot be read.
    std::optional<ElfSymbol> at(std::uint64_t index) const noexcept;

  private:
    BoundedBytes file_{{}};
    ElfSymbolTables tables_;
    std::uint64_t size_ = 0;
};

}  // namespace bulkhead::worker
