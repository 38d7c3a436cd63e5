// The life of a process that says where a dead worker was.
#pragma once

#include <vector>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// Stack, libraries and debug information are hostile input, so this process gives up all it could be misused for before
// it looks at any of them.
[[noreturn]] void explain(std::vector<transport::Descriptor> descriptors);

}  // namespace bulkhead::worker
