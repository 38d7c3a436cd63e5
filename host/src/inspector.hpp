// Asks a throw-away worker what a library says about itself. The host never parses one.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/inspection.hpp"

namespace bulkhead::detail {

struct Runtime;

// Inspects the library in `file`, a sealed memory file. Blocks until the worker answered, at most for ten
// seconds. The answer's `file` is empty. The error's message is a clause, such as "it was built for aarch64; this
// machine is x86-64".
result<LibraryInspection> inspect_library(Runtime& runtime, std::shared_ptr<const transport::Descriptor> file);

}  // namespace bulkhead::detail
