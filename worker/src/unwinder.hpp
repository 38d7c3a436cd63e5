// From registers and a copy of the stack to functions and lines.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "explanation.hpp"
#include "stack_copy.hpp"

namespace bulkhead::worker {

using FileBytes = std::span<std::byte>;

// Loads what unwinding takes; before the process is confined. Without it only the innermost frame is told.
void prepare_unwinder() noexcept;

// `files` are those that modules may have come from; one is used where its build id is the module's, or, when neither
// has one, where its segments are. Asks for memory; nothing else of the system.
Explanation unwind(StackCopy& stack, std::span<const FileBytes> files);

// Of the registers alone.
Explanation registers_only(const StackCopy& stack, const char* why);

}  // namespace bulkhead::worker
