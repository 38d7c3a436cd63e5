// What a forked process has to pay for with the first touch of each page, paid in advance.
#pragma once

namespace bulkhead::worker {

// Makes present what nearly every worker needs: the program and its libraries, the heap, the top of the stack. The work
// of a blank that has nothing better to do: some 70 page faults of a microsecond each that the worker's start is
// spared. Only for a process with one thread.
void warm_up() noexcept;

}  // namespace bulkhead::worker
