// iceoryx's daemon.
#pragma once

#include <cstddef>

#include "child_process.hpp"

namespace bulkhead::bench::peers {

// A RouDi of our own, with memory for a few messages of the largest size; puts its shared memory away at its end.
// Throws when there is none, for example because the machine has another one running.
class Roudi {
  public:
    Roudi(int core, std::size_t largest);

  private:
    ChildProcess process_;
};

}  // namespace bulkhead::bench::peers
