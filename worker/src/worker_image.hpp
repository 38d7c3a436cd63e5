// The libraries of a dead worker where they lay in its memory, for libdw.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libdw.hpp"
#include "stack_copy.hpp"
#include "unwinder.hpp"

namespace bulkhead::worker {

// One per process, because libdw asks for a module's file without saying for whom.
class WorkerImage {
  public:
    // For each module the one of `files` that has its build id; where neither has one, that has its segments.
    WorkerImage(const Libdw& dw, const StackCopy& stack, std::span<const FileBytes> files);

    Dwfl* dwfl() const noexcept { return dwfl_; }
    // The module at the address when its file is known; null: it is not.
    Dwfl_Module* module_at(std::uint64_t address) const;

  private:
    struct Reported {
        Dwfl_Module* module;
        std::uint64_t bias;
    };

    bool is_of(Elf* elf, const transport::BlackBoxModule& module) const;
    bool has_segments_of(Elf* elf, const transport::BlackBoxModule& module) const;
    static int find_elf(Dwfl_Module*, void**, const char* name, Dwarf_Addr, char**, Elf** elf);
    static int find_debuginfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                              char**);

    static constexpr Dwfl_Callbacks kCallbacks{find_elf, find_debuginfo, nullptr, nullptr};

    const Libdw& dw_;
    Dwfl* dwfl_;
    std::vector<Dwfl_Module*> usable_;
};

}  // namespace bulkhead::worker
