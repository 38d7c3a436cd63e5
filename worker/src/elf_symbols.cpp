#include "elf_symbols.hpp"

#include <elf.h>

#include <array>

namespace bulkhead::worker {
namespace {

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
        if (!symbol || symbol->st_shndx == SHN_UNDEF ||
            file_.read_string(tables_.strings + symbol->st_name, tables_.strings_end, name_.size()) != name_) {
            return false;
        }
        const unsigned binding = ELF64_ST_BIND(symbol->st_info);
        const unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
        return (binding == STB_GLOBAL || binding == STB_WEAK) &&
               (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
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

}  // namespace bulkhead::worker
