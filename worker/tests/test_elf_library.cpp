// What is read out of libraries, and out of files that only look like one.
#include <doctest/doctest.h>
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "elf_library.hpp"

namespace bulkhead::worker::test {
namespace {

std::vector<std::byte> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = std::as_bytes(std::span(text));
    REQUIRE(!text.empty());
    return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> plugin(const std::string& name) { return read_file(BULKHEAD_TEST_PLUGINS "/" + name); }

std::string fault_of(const std::vector<std::byte>& file) { return read_elf_library(file).fault; }

// The file with one field of its header changed.
template <typename T>
std::vector<std::byte> with(std::vector<std::byte> file, std::size_t offset, T value) {
    std::memcpy(file.data() + offset, &value, sizeof value);
    return file;
}

bool needs(const ElfLibrary& library, std::string_view name) {
    const auto end = library.needed.begin() + library.needed_count;
    return std::find(library.needed.begin(), end, name) != end;
}

TEST_CASE("a library says its machine, its name, what it needs and whether it is a plugin") {
    const auto file = plugin("libneeds_library.so");
    const ElfLibrary library = read_elf_library(file);
    CHECK(library.is_usable());
    CHECK(library.soname == "libneeds_library.so");
    CHECK(needs(library, "libdependency.so"));
    CHECK_FALSE(needs(library, "libdeepest.so"));
    CHECK(library.exports_entry);
    const auto other = plugin("libversatile.so");
    CHECK(needs(read_elf_library(other), "libc.so.6"));
}

TEST_CASE("a library without the entry is told apart, with either kind of symbol table") {
    CHECK(read_elf_library(plugin("libversatile.so")).exports_entry);
    CHECK_FALSE(read_elf_library(plugin("libno_entry.so")).exports_entry);
    CHECK_FALSE(read_elf_library(plugin("libdependency.so")).exports_entry);
    CHECK(read_elf_library(plugin("libold_hash.so")).exports_entry);
    CHECK_FALSE(read_elf_library(plugin("libold_hash_no_entry.so")).exports_entry);
}

// Names of the exports, or of the imports.
std::set<std::string> symbols_of(const ElfLibrary& library, bool exported) {
    std::set<std::string> names;
    for (std::uint64_t index = 0; index < library.symbols.size(); ++index) {
        const auto symbol = library.symbols.at(index);
        if (symbol && symbol->is_export == exported) {
            names.insert(std::string(symbol->name));
        }
    }
    return names;
}

TEST_CASE("a library tells what it exports and imports, with either kind of symbol table") {
    for (const char* name : {"libversatile.so", "libold_hash.so"}) {
        CAPTURE(name);
        const auto file = plugin(name);
        const ElfLibrary library = read_elf_library(file);
        const auto exports = symbols_of(library, true);
        CHECK(exports.contains("bulkhead_plugin"));
        CHECK_FALSE(exports.contains("__cxa_finalize"));
        CHECK(symbols_of(library, false).contains("__cxa_finalize"));
    }
    const auto user = plugin("libneeds_library.so");
    const auto dependency = plugin("libdependency.so");
    const auto offered = symbols_of(read_elf_library(dependency), true);
    std::size_t found = 0;
    for (const std::string& wanted : symbols_of(read_elf_library(user), false)) {
        found += offered.count(wanted);
    }
    CHECK(found > 0);
}

TEST_CASE("each file that is no library gets its own sentence") {
    const auto file = plugin("libversatile.so");
    CHECK(fault_of({}) == "it is empty");
    CHECK(fault_of(std::vector<std::byte>(1000)) == "it is not an ELF file");
    CHECK(fault_of({file.begin(), file.begin() + 3}) == "it is not an ELF file");
    CHECK(fault_of({file.begin(), file.begin() + 40}) == "it is truncated: it ends within its header");
    CHECK(fault_of(with(file, EI_CLASS, char{ELFCLASS32})) == "it is a 32-bit library");
    CHECK(fault_of(with(file, EI_CLASS, char{9})) == "it is not an ELF file");
    CHECK(fault_of(with(file, EI_DATA, char{ELFDATA2MSB})) == "it was built for a big-endian machine");
    const std::string machine(read_elf_library(file).machine);
    const std::uint16_t other = machine == "riscv" ? EM_S390 : EM_RISCV;
    CHECK(fault_of(with(file, offsetof(Elf64_Ehdr, e_machine), other)) ==
          "it was built for " + std::string(other == EM_RISCV ? "riscv" : "s390x") + "; this machine is " + machine);
    const auto with_type = [&](std::uint16_t type) { return with(file, offsetof(Elf64_Ehdr, e_type), type); };
    CHECK(fault_of(with_type(ET_EXEC)) == "it is an executable, not a shared library");
    CHECK(fault_of(with_type(ET_REL)) == "it is an object file, not a shared library");
    CHECK(fault_of(with_type(ET_CORE)) == "it is a core file, not a shared library");
    CHECK(fault_of(with(file, offsetof(Elf64_Ehdr, e_phnum), std::uint16_t{0})) ==
          "it is no shared library: it has no dynamic section");
    CHECK(fault_of(read_file(BULKHEAD_WORKER_PROGRAM)) == "it is an executable, not a shared library");
}

TEST_CASE("a library that was cut anywhere is truncated") {
    const auto file = plugin("libversatile.so");
    for (std::size_t size = sizeof(Elf64_Ehdr); size < file.size(); size += 61) {
        CAPTURE(size);
        CHECK(
            fault_of({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}).starts_with("it is truncated"));
    }
}

TEST_CASE("a library with random damage is read without harm") {
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same damage each time
    for (const char* name : {"libversatile.so", "libold_hash.so"}) {
        const auto original = plugin(name);
        for (int round = 0; round < 20'000; ++round) {
            auto file = original;
            // Most of what matters lies in the headers and the first pages.
            const std::size_t reach = round % 3 == 0 ? file.size() : std::min<std::size_t>(file.size(), 4096);
            for (std::uint32_t count = 1 + random() % 8; count > 0; --count) {
                file[random() % reach] = static_cast<std::byte>(random());
            }
            const ElfLibrary library = read_elf_library(file);
            REQUIRE(library.needed_count <= kMaxNeeded);
            REQUIRE(library.symbols.size() * sizeof(Elf64_Sym) <= file.size());
            for (std::uint64_t index = 0; index < library.symbols.size(); ++index) {
                const auto symbol = library.symbols.at(index);
                REQUIRE((!symbol || !symbol->name.empty()));
            }
            REQUIRE(std::strlen(library.fault) < sizeof library.fault);
        }
    }
}

}  // namespace
}  // namespace bulkhead::worker::test
