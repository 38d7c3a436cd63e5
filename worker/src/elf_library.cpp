#include "elf_library.hpp"

#include <elf.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>

#include "bounded_bytes.hpp"
#include "elf_symbols.hpp"

namespace bulkhead::worker {
namespace {

struct Machine {
    std::uint16_t number;
    const char* name;
};

constexpr Machine kMachines[] = {
    {EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"},     {EM_386, "x86"},
    {EM_ARM, "arm"},       {EM_RISCV, "riscv"},         {EM_PPC64, "ppc64"},
    {EM_S390, "s390x"},    {EM_LOONGARCH, "loongarch"}, {EM_MIPS, "mips"},
};

#if defined(__x86_64__)
constexpr std::uint16_t kThisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t kThisMachine = EM_AARCH64;
#endif

const char* name_of(std::uint16_t machine) {
    for (const Machine& known : kMachines) {
        if (known.number == machine) {
            return known.name;
        }
    }
    return "another machine";
}

// The entries of the dynamic section that matter. Values are addresses in memory.
struct Dynamic {
    std::uint64_t offset = 0;  // of the section in the file
    std::uint64_t count = 0;   // entries
    std::optional<std::uint64_t> strings;
    std::optional<std::uint64_t> symbols;
    std::optional<std::uint64_t> hash;
    std::optional<std::uint64_t> gnu_hash;
    std::uint64_t strings_size = 0;
    bool is_executable = false;
};

class Reader {
  public:
    explicit Reader(std::span<const std::byte> file) : file_(file) {}

    ElfLibrary run() {
        if (read_header() && check_segments() && check_sections() && read_dynamic() && find_tables() && read_names()) {
            result_.exports_entry = exports_symbol(file_, tables_, "bulkhead_plugin");
            result_.symbols = ElfSymbols(file_, tables_);
        }
        return result_;
    }

  private:
    template <typename... Arguments>
    bool fail(const char* format, Arguments... arguments) {
        if constexpr (sizeof...(arguments) == 0) {
            std::snprintf(result_.fault, sizeof result_.fault, "%s", format);
        } else {
            std::snprintf(result_.fault, sizeof result_.fault, format, arguments...);
        }
        return false;
    }

    bool read_header() {
        if (file_.size() == 0) {
            return fail("it is empty");
        }
        const auto ident = file_.read<std::array<unsigned char, EI_NIDENT>>(0);
        if (!ident || std::memcmp(ident->data(), ELFMAG, SELFMAG) != 0) {
            return fail("it is not an ELF file");
        }
        if ((*ident)[EI_CLASS] != ELFCLASS64) {
            return fail((*ident)[EI_CLASS] == ELFCLASS32 ? "it is a 32-bit library" : "it is not an ELF file");
        }
        if ((*ident)[EI_DATA] != ELFDATA2LSB) {
            return fail("it was built for a big-endian machine");
        }
        const auto header = file_.read<Elf64_Ehdr>(0);
        if (!header) {
            return fail("it is truncated: it ends within its header");
        }
        header_ = *header;
        result_.machine = name_of(header_.e_machine);
        if (header_.e_machine != kThisMachine) {
            return fail("it was built for %s; this machine is %s", name_of(header_.e_machine), name_of(kThisMachine));
        }
        return check_type();
    }

    bool check_type() {
        switch (header_.e_type) {
            case ET_DYN:
                return true;
            case ET_EXEC:
                return fail("it is an executable, not a shared library");
            case ET_REL:
                return fail("it is an object file, not a shared library");
            case ET_CORE:
                return fail("it is a core file, not a shared library");
            default:
                return fail("it is no shared library");
        }
    }

    std::optional<Elf64_Phdr> segment(std::uint64_t index) const {
        return file_.read_element<Elf64_Phdr>(header_.e_phoff, index);
    }

    bool check_segments() {
        if (header_.e_phnum > 0 && header_.e_phentsize != sizeof(Elf64_Phdr)) {
            return fail("it is damaged: its program headers have an unknown size");
        }
        for (std::uint64_t index = 0; index < header_.e_phnum; ++index) {
            const auto header = segment(index);
            if (!header) {
                return fail("it is truncated: program headers lie beyond the end of the file");
            }
            const bool has_content = header->p_type == PT_LOAD || header->p_type == PT_DYNAMIC;
            if (has_content && !file_.has(header->p_offset, header->p_filesz)) {
                return fail("it is truncated: a segment lies beyond the end of the file");
            }
            if (header->p_type == PT_DYNAMIC) {
                dynamic_.offset = header->p_offset;
                dynamic_.count = header->p_filesz / sizeof(Elf64_Dyn);
            }
        }
        return true;
    }

    // The loader does not need them, but they come last in a file that was written only half.
    bool check_sections() {
        const std::uint64_t size = std::uint64_t{header_.e_shnum} * header_.e_shentsize;
        if (header_.e_shoff != 0 && !file_.has(header_.e_shoff, size)) {
            return fail("it is truncated: section headers lie beyond the end of the file");
        }
        return true;
    }

    bool read_dynamic() {
        if (dynamic_.count == 0) {
            return fail("it is no shared library: it has no dynamic section");
        }
        for (std::uint64_t index = 0; index < dynamic_.count; ++index) {
            const auto entry = file_.read_element<Elf64_Dyn>(dynamic_.offset, index);
            if (!entry || entry->d_tag == DT_NULL) {
                dynamic_.count = index;
                break;
            }
            note(*entry);
        }
        return !dynamic_.is_executable || fail("it is an executable, not a shared library");
    }

    void note(const Elf64_Dyn& entry) {
        const std::uint64_t value = entry.d_un.d_val;
        switch (entry.d_tag) {
            case DT_STRTAB:
                dynamic_.strings = value;
                break;
            case DT_STRSZ:
                dynamic_.strings_size = value;
                break;
            case DT_SYMTAB:
                dynamic_.symbols = value;
                break;
            case DT_HASH:
                dynamic_.hash = value;
                break;
            case DT_GNU_HASH:
                dynamic_.gnu_hash = value;
                break;
            case DT_FLAGS_1:
                dynamic_.is_executable = (value & DF_1_PIE) != 0;
                break;
            default:
                break;
        }
    }

    // Where in the file an address is that the loader would see. Within the file: check_segments() saw to that.
    std::optional<std::uint64_t> offset_of(std::optional<std::uint64_t> address) const {
        for (std::uint64_t index = 0; address && index < header_.e_phnum; ++index) {
            const auto header = segment(index);
            if (header && header->p_type == PT_LOAD && *address >= header->p_vaddr &&
                *address - header->p_vaddr < header->p_filesz) {
                return header->p_offset + (*address - header->p_vaddr);
            }
        }
        return std::nullopt;
    }

    bool find_tables() {
        const auto strings = offset_of(dynamic_.strings);
        const auto symbols = offset_of(dynamic_.symbols);
        if (!strings || !symbols) {
            return fail("it is damaged: its dynamic section names no symbols");
        }
        tables_.strings = *strings;
        tables_.strings_end = *strings + std::min(dynamic_.strings_size, file_.size() - *strings);
        tables_.symbols = *symbols;
        tables_.gnu_hash = offset_of(dynamic_.gnu_hash);
        tables_.hash = offset_of(dynamic_.hash);
        return true;
    }

    bool read_names() {
        for (std::uint64_t index = 0; index < dynamic_.count; ++index) {
            const auto entry = file_.read_element<Elf64_Dyn>(dynamic_.offset, index);
            if (!entry || (entry->d_tag != DT_NEEDED && entry->d_tag != DT_SONAME)) {
                continue;
            }
            const auto name = name_at(entry->d_un.d_val);
            if (!name || name->empty()) {
                return fail("it is damaged: the name of a library in it cannot be read");
            }
            if (entry->d_tag == DT_SONAME) {
                result_.soname = *name;
            } else if (result_.needed_count == kMaxNeeded) {
                return fail("it needs more than %zu libraries", kMaxNeeded);
            } else {
                result_.needed[result_.needed_count++] = *name;
            }
        }
        return true;
    }

    std::optional<std::string_view> name_at(std::uint64_t position) const {
        if (position >= tables_.strings_end - tables_.strings) {
            return std::nullopt;
        }
        return file_.read_string(tables_.strings + position, tables_.strings_end, kMaxLibraryName);
    }

    BoundedBytes file_;
    Elf64_Ehdr header_{};
    Dynamic dynamic_;
    ElfSymbolTables tables_;
    ElfLibrary result_;
};

}  // namespace

ElfLibrary read_elf_library(std::span<const std::byte> file) noexcept { return Reader(file).run(); }

}  // namespace bulkhead::worker
