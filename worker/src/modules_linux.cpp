#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

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

void note_module(std::string_view path, std::uint64_t bias, Headers headers, BlackBoxRecord& record) {
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
    record.modules[record.module_count++] = module;
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
        note_module(path, bias, Headers(segments).first(count), record);
    }
}

}  // namespace

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
    record.module_count = 0;
    const auto note = [](dl_phdr_info* info, std::size_t, void* argument) {
        BlackBoxRecord& box = *static_cast<BlackBoxRecord*>(argument);
        if (box.module_count == transport::kBlackBoxModules) {
            return 1;
        }
        note_module(info->dlpi_name, info->dlpi_addr, Headers(info->dlpi_phdr, info->dlpi_phnum), box);
        return 0;
    };
    ::dl_iterate_phdr(note, &record);
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
