// What a forked process has to pay for with the first touch of each page, paid in advance.
#pragma once

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// Makes present what nearly every worker needs: the program and its libraries, the heap, the top of the stack. The work
// of a blank that has nothing better to do: some 70 page faults of a microsecond each that the worker's start is
// spared. Gives up as soon as there is something to read in `orders`: then only what is needed should be paid for.
// Only for a process with one thread.
void warm_up(const transport::Descriptor& orders) noexcept;

}  // namespace bulkhead::worker
