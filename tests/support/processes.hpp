// What tests need to know of processes, from /proc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/until.hpp"

namespace bulkhead::tests {

struct ProcessStatus {
    pid_t pid = 0;
    pid_t parent = 0;
    char state = 'X';  // as ps has it; Z: dead but not reaped
    std::string name;
};

// Of a process that is gone: state X.
ProcessStatus status_of(pid_t pid);

// Dead ones that nobody reaped are no longer alive.
bool is_alive(pid_t pid);
bool await_gone(pid_t pid, std::chrono::nanoseconds patience = kPatience);

// All processes, as far as they can be seen.
std::vector<ProcessStatus> all_processes();
// Those that were not reaped yet included.
std::vector<ProcessStatus> children_of(pid_t pid);
std::vector<ProcessStatus> descendants_of(pid_t pid);

// The living descendants of a host, by what they are. A host has one guard, one fork server, and a blank in hand.
struct Family {
    pid_t guard = 0;
    pid_t fork_server = 0;
    pid_t blank = 0;
    std::vector<pid_t> others;  // workers and what they started
};
// Of the one host that lives in `host`. Members are 0 while they are not there, or not yet what they will be.
Family family_of(pid_t host);
// Waits until all three are there.
Family await_family_of(pid_t host);

// How often the threads of these processes were put on a core so far. Grows when one of them does anything.
unsigned long long turns_of(const std::vector<pid_t>& processes);

}  // namespace bulkhead::tests
