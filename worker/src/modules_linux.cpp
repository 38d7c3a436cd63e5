#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "modules.hpp"

namespace bulkhead::worker {
namespace {

using transport::BlackBoxModule;

struct Notes {
    const LibraryNames& names;
    transport::BlackBoxRecord& record;
};

std::string_view file_name(std::string_view path) { return path.substr(path.find_last_of('/') + 1); }

std::string_view name_of(const dl_phdr_info& info, const LibraryNames& names) {
    const std::string_view path(info.dlpi_name);
    if (path.empty()) {
        return "bulkhead-worker";
    }
    const auto sealed = names.find(std::string(path));
    return sealed == names.end() ? file_name(path) : std::string_view(sealed->second);
}

void note_build_id(const dl_phdr_info& info, const ElfW(Phdr) & segment, BlackBoxModule& module) {
    const auto* bytes = reinterpret_cast<const char*>(info.dlpi_addr + segment.p_vaddr);
    std::size_t left = segment.p_memsz;
    const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
    while (left >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, bytes, sizeof note);
        const std::size_t size = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
        if (size > left) {
            return;
        }
        const char* name = bytes + sizeof note;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
            module.build_id_length = std::min<std::uint32_t>(note.n_descsz, sizeof module.build_id);
            std::memcpy(module.build_id, name + 4, module.build_id_length);
            return;
        }
        bytes += size;
        left -= size;
    }
}

int note_module(dl_phdr_info* info, std::size_t, void* argument) {
    const Notes& notes = *static_cast<const Notes*>(argument);
    transport::BlackBoxRecord& record = notes.record;
    if (record.module_count == transport::kBlackBoxModules) {
        return 1;
    }
    BlackBoxModule module{};
    module.bias = info->dlpi_addr;
    for (int index = 0; index < info->dlpi_phnum; ++index) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[index];
        const std::uint64_t begin = info->dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_NOTE) {
            note_build_id(*info, segment, module);
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
    std::string_view name = name_of(*info, notes.names);
    name.remove_prefix(name.size() - std::min(name.size(), sizeof module.name - 1));
    name.copy(module.name, name.size());
    record.modules[record.module_count++] = module;
    return 0;
}

}  // namespace

void note_modules(const LibraryNames& names, transport::BlackBoxRecord& record) {
    record.module_count = 0;
    Notes notes{names, record};
    ::dl_iterate_phdr(note_module, &notes);
}

}  // namespace bulkhead::worker
