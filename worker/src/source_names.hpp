// What a program's author calls an address.
#pragma once

#include <vector>

#include "explanation.hpp"
#include "libdw.hpp"

namespace bulkhead::worker {

// The functions that the instruction belongs to: the innermost of those put into one another first. One frame at least,
// with whatever is known. The module's file is hostile.
std::vector<ExplainedFrame> name_frames(const Libdw& dw, Dwfl_Module* module, std::uint64_t address,
                                        std::uint64_t lookup);

}  // namespace bulkhead::worker
