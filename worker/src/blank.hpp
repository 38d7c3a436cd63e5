// A process that is forked and waits for what it shall become.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <system_error>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// The fork server's side of a blank.
struct Blank {
    pid_t pid = 0;
    transport::Descriptor process;  // pidfd
    transport::Descriptor orders;   // takes one start message
    std::chrono::steady_clock::time_point made_at;
};

// Whether an order is there already, or the blank has time to make itself warm.
enum class BlankFor { an_order, later };

// Forks one. Only for a process with one thread.
std::optional<Blank> make_blank(BlankFor use, std::error_code& error);

}  // namespace bulkhead::worker
