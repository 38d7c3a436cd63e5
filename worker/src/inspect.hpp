// The life of a process that looks at one library and says what it found.
#pragma once

#include <vector>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// Libraries are hostile input, so this process gives up all it could be misused for before it looks at one.
[[noreturn]] void inspect(std::vector<transport::Descriptor> descriptors);

}  // namespace bulkhead::worker
