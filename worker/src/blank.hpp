// A process that is forked and waits for what it shall become.
#pragma once

#include <sys/types.h>

#include <optional>
#include <system_error>

#include "bulkhead/transport/descriptor.hpp"
#include "bulkhead/transport/launch_protocol.hpp"

namespace bulkhead::worker {

// What the host needs of a blank.
struct Blank {
    pid_t pid = 0;
    transport::Descriptor process;  // pidfd
    transport::Descriptor orders;   // takes one start message
};

// Forks one. Only for a process with one thread.
std::optional<Blank> make_blank(transport::BlankFor use, std::error_code& error);

}  // namespace bulkhead::worker
