// What a test leaves behind: processes that outlive their parents, and files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/processes.hpp"

namespace bulkhead::tests {

// Runs `program` in a child of this process, which takes in and reaps those who lose their parents, as init does
// elsewhere: so that what a killed guard leaves is seen, and is not mixed up with the host's own children. The child
// has an empty folder of its own for temporary files, in which it also starts. When it has ended, processes and files
// must be gone as well, or they are named and removed and the program has failed. The exit code. For main, while there
// is one thread.
int run_adopted(const std::function<int()>& program);

// Who lost its parents and is not gone yet. Nobody, where nobody adopts.
std::vector<ProcessStatus> orphans();

// Waits until a host's guard, fork server, blank and `workers` are all there is, below this process and orphaned, dead
// ones that nobody reaped included. Otherwise who is there, a line each.
std::string not_just_a_family_with(std::size_t workers);

}  // namespace bulkhead::tests
