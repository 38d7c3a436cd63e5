// The life of a process that runs a plugin.
#pragma once

#include <vector>

#include "bulkhead/transport/descriptor.hpp"
#include "bulkhead/transport/launch_protocol.hpp"

namespace bulkhead::worker {

// Carries out the order in this process, which holds no descriptors but the order's and /dev/null.
[[noreturn]] void serve(const transport::StartMessage& message, std::vector<transport::Descriptor> descriptors);

}  // namespace bulkhead::worker
