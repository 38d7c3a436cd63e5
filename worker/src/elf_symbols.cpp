#include "elf_symbols.hpp"

#include <elf.h>

#include <algorithm>
#include <array>

namespace bulkhead::worker {
namespace {

bool is_exported(const Elf64_Sym& symbol) {
    const unsigned binding = ELF64_ST_BIND(symbol.st_info);
    const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    return symbol.st_shndx != SHN_UNDEF &&
           (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE) &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

// The hash table does not say how many symbols there are: the chain that starts last also ends last.
std::uint64_t count_by_gnu_hash(const BoundedBytes& file, std::uint64_t table) {
    const auto head = file.read<std::array<std::uint32_t, 4>>(table);
    if (!head) {
        return 0;
    }
    const std::uint64_t first_symbol = (*head)[1];
    const std::uint64_t buckets = table + sizeof *head + std::uint64_t{(*head)[2]} * sizeof(std::uint64_t);
    const std::uint64_t chains = buckets + std::uint64_t{(*head)[0]} * sizeof(std::uint32_t);
    std::uint64_t last = 0;
    for (std::uint64_t index = 0; index < (*head)[0]; ++index) {
        const auto bucket = file.read_element<std::uint32_t>(buckets, index);
        if (!bucket) {
            return 0;
        }
        last = std::max<std::uint64_t>(last, *bucket);
    }
    if (last < first_symbol) {
        return first_symbol;  // nothing is exported
    }
    for (;; ++last) {
        const auto value = file.read_element<std::uint32_t>(chains, last - first_symbol);
        if (!value || (*value & 1) != 0) {
            return last + 1;
        }
    }
}

std::uint64_t count_by_hash(const BoundedBytes& file, std::uint64_t table) {
    const auto head = file.read<std::array<std::uint32_t, 2>>(table);
    return head ? (*head)[1] : 0;
}

class Search {
  public:
    Search(const BoundedBytes& file, const ElfSymbolTables& tables, std::string_view name)
        : file_(file), tables_(tables), name_(name) {}

    // Layout: bucket count, first symbol, bloom size, bloom shift; bloom words; buckets; a hash for each symbol,
    // whose lowest bit ends a bucket's chain.
    bool by_gnu_hash(std::uint64_t table) const {
        const auto head = file_.read<std::array<std::uint32_t, 4>>(table);
        if (!head || (*head)[0] == 0) {
            return false;
        }
        const std::uint32_t bucket_count = (*head)[0];
        const std::uint32_t first_symbol = (*head)[1];
        const std::uint32_t hash = gnu_hash_of_name();
        const std::uint64_t buckets = table + sizeof *head + std::uint64_t{(*head)[2]} * sizeof(std::uint64_t);
        const std::uint64_t chains = buckets + std::uint64_t{bucket_count} * sizeof(std::uint32_t);
        const auto bucket = file_.read_element<std::uint32_t>(buckets, hash % bucket_count);
        if (!bucket || *bucket < first_symbol) {
            return false;
        }
        for (std::uint64_t symbol = *bucket;; ++symbol) {
            const auto value = file_.read_element<std::uint32_t>(chains, symbol - first_symbol);
            if (!value) {
                return false;
            }
            if ((*value | 1) == (hash | 1) && is_the_one(symbol)) {
                return true;
            }
            if ((*value & 1) != 0) {
                return false;
            }
        }
    }

    // Layout: bucket count, symbol count, ... The symbols are gone through one by one.
    bool by_hash(std::uint64_t table) const {
        const auto head = file_.read<std::array<std::uint32_t, 2>>(table);
        const std::uint64_t count = head ? (*head)[1] : 0;
        const std::uint64_t possible = (file_.size() - tables_.symbols) / sizeof(Elf64_Sym);
        for (std::uint64_t symbol = 0; symbol < std::min(count, possible); ++symbol) {
            if (is_the_one(symbol)) {
                return true;
            }
        }
        return false;
    }

  private:
    std::uint32_t gnu_hash_of_name() const {
        std::uint32_t hash = 5381;
        for (const char c : name_) {
            hash = hash * 33 + static_cast<unsigned char>(c);
        }
        return hash;
    }

    bool is_the_one(std::uint64_t index) const {
        const auto symbol = file_.read_element<Elf64_Sym>(tables_.symbols, index);
        return symbol && is_exported(*symbol) &&
               file_.read_string(tables_.strings + symbol->st_name, tables_.strings_end, name_.size()) == name_;
    }

    const BoundedBytes& file_;
    const ElfSymbolTables& tables_;
    std::string_view name_;
};

}  // namespace

bool exports_symbol(const BoundedBytes& file, const ElfSymbolTables& tables, std::string_view name) noexcept {
    const Search search(file, tables, name);
    if (tables.gnu_hash) {
        return search.by_gnu_hash(*tables.gnu_hash);
    }
    return tables.hash && search.by_hash(*tables.hash);
}

ElfSymbols::ElfSymbols(const BoundedBytes& file, const ElfSymbolTables& tables) noexcept
    : file_(file), tables_(tables) {
    const std::uint64_t counted = tables.hash       ? count_by_hash(file, *tables.hash)
                                  : tables.gnu_hash ? count_by_gnu_hash(file, *tables.gnu_hash)
                                                    : 0;
    const std::uint64_t possible =
        tables.symbols < file.size() ? (file.size() - tables.symbols) / sizeof(Elf64_Sym) : 0;
    size_ = std::min(counted, possible);
}

std::optional<ElfSymbol> ElfSymbols::at(std::uint64_t index) const noexcept {
    constexpr std::size_t kLongestName = 255;  // longer ones tell nobody anything
    const auto symbol = file_.read_element<Elf64_Sym>(tables_.symbols, index);
    if (!symbol || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL) {
        return std::nullopt;
    }
    const bool is_export = is_exported(*symbol);
    const auto name = file_.read_string(tables_.strings + symbol->st_name, tables_.strings_end, kLongestName);
    if (!name || name->empty() || (!is_export && symbol->st_shndx != SHN_UNDEF)) {
        return std::nullopt;
    }
    return ElfSymbol{*name, is_export};
}

}  // namespace bulkhead::worker
