#include "worker_image.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace bulkhead::worker {
namespace {

using transport::BlackBoxModule;

constexpr std::uint64_t kPageMask = ~std::uint64_t{4095};

std::vector<Elf*> the_elves;  // by the number that is their module's name

}  // namespace

WorkerImage::WorkerImage(const Libdw& dw, const StackCopy& stack, std::span<const FileBytes> files)
    : dw_(dw), dwfl_(dw.begin(&kCallbacks)) {
    for (const FileBytes& file : files) {
        if (Elf* elf = dw.elf_memory(reinterpret_cast<char*>(file.data()), file.size())) {
            the_elves.push_back(elf);
        }
    }
    std::vector<Reported> reported;
    dw.report_begin(dwfl_);
    for (const BlackBoxModule& module : stack.modules()) {
        const auto elf = std::find_if(the_elves.begin(), the_elves.end(), [&](Elf* one) { return is_of(one, module); });
        if (elf == the_elves.end() || module.begin >= module.end) {
            continue;
        }
        const std::string name = std::to_string(elf - the_elves.begin());
        if (Dwfl_Module* one = dw.report_module(dwfl_, name.c_str(), module.begin & kPageMask, module.end)) {
            reported.push_back({one, module.bias});
        }
    }
    dw.report_end(dwfl_, nullptr, nullptr);
    for (const Reported& one : reported) {
        GElf_Addr bias = 0;
        if (dw.module_getelf(one.module, &bias) != nullptr && bias == one.bias) {
            usable_.push_back(one.module);
        }
    }
}

Dwfl_Module* WorkerImage::module_at(std::uint64_t address) const {
    Dwfl_Module* module = dw_.addrmodule(dwfl_, address);
    return std::find(usable_.begin(), usable_.end(), module) == usable_.end() ? nullptr : module;
}

bool WorkerImage::is_of(Elf* elf, const BlackBoxModule& module) const {
    const void* id = nullptr;
    const ssize_t length = dw_.build_id(elf, &id);
    if (length <= 0 && module.build_id_length == 0) {
        return has_segments_of(elf, module);
    }
    const std::size_t noted = std::min<std::size_t>(module.build_id_length, sizeof module.build_id);
    return length > 0 && std::min<std::size_t>(length, sizeof module.build_id) == noted &&
           std::memcmp(id, module.build_id, noted) == 0;
}

bool WorkerImage::has_segments_of(Elf* elf, const BlackBoxModule& module) const {
    std::uint64_t begin = ~std::uint64_t{0};
    std::uint64_t end = 0;
    std::size_t count = 0;
    dw_.elf_getphdrnum(elf, &count);
    for (std::size_t index = 0; index < count; ++index) {
        GElf_Phdr segment;
        if (dw_.gelf_getphdr(elf, static_cast<int>(index), &segment) != nullptr && segment.p_type == PT_LOAD) {
            begin = std::min(begin, segment.p_vaddr);
            end = std::max(end, segment.p_vaddr + segment.p_memsz);
        }
    }
    return begin < end && begin + module.bias == module.begin && end + module.bias == module.end;
}

int WorkerImage::find_elf(Dwfl_Module*, void**, const char* name, Dwarf_Addr, char**, Elf** elf) {
    const std::size_t number = std::strtoul(name, nullptr, 10);
    *elf = number < the_elves.size() ? std::exchange(the_elves[number], nullptr) : nullptr;  // it is libdw's now
    return -1;
}

int WorkerImage::find_debuginfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                                char**) {
    return -1;  // it is in the library or nowhere
}

}  // namespace bulkhead::worker
