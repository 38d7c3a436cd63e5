#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "module_files.hpp"
#include "modules.hpp"
#include "own_memory.hpp"

namespace bulkhead::worker {
namespace {

using transport::BlackBoxModule;
using transport::BlackBoxRecord;

// A library's path as the loader has it, and what its file is called. Plain memory: a crash leaves it readable.
struct SealedName {
    char path[32];
    char name[sizeof BlackBoxModule::name];
};
std::array<SealedName, 80> the_sealed_names{};

// What every worker has, because it is forked: noted once, in the parent.
std::vector<BlackBoxModule> the_first_modules;

using Headers = std::span<const ElfW(Phdr)>;

std::string_view name_of(std::string_view path) {
    if (path.empty()) {
        return "bulkhead-worker";
    }
    const auto sealed = std::find_if(the_sealed_names.begin(), the_sealed_names.end(),
                                     [path](const SealedName& candidate) { return path == candidate.path; });
    return sealed == the_sealed_names.end() ? file_name(path) : std::string_view(sealed->name);
}

void note_build_id(std::span<const std::byte> notes, BlackBoxModule& module) {
    const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
    while (notes.size() >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, notes.data(), sizeof note);
        const std::size_t size = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
        if (size > notes.size()) {
            return;
        }
        const std::byte* name = notes.data() + sizeof note;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
            module.build_id_length = std::min<std::uint32_t>(note.n_descsz, sizeof module.build_id);
            std::memcpy(module.build_id, name + 4, module.build_id_length);
            return;
        }
        notes = notes.subspan(size);
    }
}

BlackBoxModule describe(std::string_view path, std::uint64_t bias, Headers headers) {
    BlackBoxModule module{};
    module.bias = bias;
    for (const ElfW(Phdr) & segment : headers) {
        const std::uint64_t begin = bias + segment.p_vaddr;
        if (segment.p_type == PT_NOTE && module.build_id_length == 0) {
            std::array<std::byte, 256> notes;
            const std::size_t size = copy_own_memory(notes.data(), begin, std::min(segment.p_memsz, notes.size()));
            note_build_id(std::span(notes).first(size), module);
        }
        if (segment.p_type != PT_LOAD) {
            continue;
        }
        module.begin = module.end == 0 ? begin : std::min(module.begin, begin);
        module.end = std::max(module.end, begin + segment.p_memsz);
        if ((segment.p_flags & PF_X) != 0 && module.code_end == 0) {
            module.code_begin = begin;
            module.code_end = begin + segment.p_memsz;
        }
    }
    std::string_view name = name_of(path);
    name.remove_prefix(name.size() - std::min(name.size(), sizeof module.name - 1));
    name.copy(module.name, name.size());
    return module;
}

BlackBoxModule describe(const dl_phdr_info& info) {
    return describe(info.dlpi_name, info.dlpi_addr, Headers(info.dlpi_phdr, info.dlpi_phnum));
}

template <typename Visit>
void for_each_module(Visit visit) {
    const auto callback = [](dl_phdr_info* info, std::size_t, void* argument) {
        (*static_cast<Visit*>(argument))(*info);
        return 0;
    };
    ::dl_iterate_phdr(callback, &visit);
}

bool is_noted(const BlackBoxRecord& record, std::uint64_t bias) {
    return std::any_of(record.modules, record.modules + record.module_count,
                       [bias](const BlackBoxModule& module) { return module.bias == bias; });
}

// In pieces, because none is read that crosses into a page without memory.
std::string_view read_path(std::uint64_t address, std::array<char, 512>& room) {
    constexpr std::uint64_t kPage = 4096;
    std::size_t size = 0;
    while (size < room.size()) {
        const std::uint64_t from = address + size;
        const std::size_t piece = std::min<std::uint64_t>(room.size() - size, kPage - from % kPage);
        const std::size_t count = copy_own_memory(room.data() + size, from, piece);
        const char* const end = std::find(room.data() + size, room.data() + size + count, '\0');
        size = static_cast<std::size_t>(end - room.data());
        if (count < piece || size < room.size()) {
            break;
        }
    }
    return {room.data(), size};
}

// What lies where the loader put a library: its file's beginning.
void note_library_at(const link_map& entry, BlackBoxRecord& record) {
    ElfW(Ehdr) header;
    std::array<ElfW(Phdr), 32> segments;
    const std::uint64_t bias = entry.l_addr;
    if (copy_own_memory(&header, bias, sizeof header) != sizeof header ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return;
    }
    const std::size_t count = std::min<std::size_t>(header.e_phnum, segments.size());
    const std::size_t size = count * sizeof segments[0];
    if (copy_own_memory(segments.data(), bias + header.e_phoff, size) == size) {
        std::array<char, 512> room;
        const std::string_view path = read_path(reinterpret_cast<std::uint64_t>(entry.l_name), room);
        record.modules[record.module_count++] = describe(path, bias, Headers(segments).first(count));
    }
}

}  // namespace

void note_first_modules() {
    for_each_module([](const dl_phdr_info& info) {
        if (the_first_modules.size() < transport::kBlackBoxModules) {
            the_first_modules.push_back(describe(info));
        }
    });
}

void note_modules(const LibraryNames& names, BlackBoxRecord& record) {
    auto target = the_sealed_names.begin();
    for (const auto& [path, name] : names) {
        if (target != the_sealed_names.end() && path.size() < sizeof target->path) {
            *target = SealedName{};
            path.copy(target->path, sizeof target->path - 1);
            name.copy(target->name, sizeof target->name - 1);
            ++target;
        }
    }
    if (record.module_count == 0) {
        std::copy(the_first_modules.begin(), the_first_modules.end(), record.modules);
        record.module_count = static_cast<std::uint32_t>(the_first_modules.size());
    }
    for_each_module([&record](const dl_phdr_info& info) {
        if (record.module_count < transport::kBlackBoxModules && !is_noted(record, info.dlpi_addr)) {
            record.modules[record.module_count++] = describe(info);
        }
    });
}

void note_late_modules(BlackBoxRecord& record) noexcept {
    constexpr int kMost = 1024;  // entries of a list that may be torn
    auto next = reinterpret_cast<std::uint64_t>(_r_debug.r_map);
    for (int count = 0; count < kMost && next != 0 && record.module_count < transport::kBlackBoxModules; ++count) {
        link_map entry{};
        if (copy_own_memory(&entry, next, sizeof entry) != sizeof entry) {
            return;
        }
        next = reinterpret_cast<std::uint64_t>(entry.l_next);
        if (entry.l_addr != 0 && !is_noted(record, entry.l_addr)) {
            note_library_at(entry, record);
        }
    }
}

}  // namespace bulkhead::worker
