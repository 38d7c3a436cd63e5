// Calls of all kinds at once.
#pragma once

#include <cstddef>
#include <span>

#include "callers.hpp"
#include "stage.hpp"

namespace bulkhead::demo {

// From construction to stop(): one thread that calls the checksum plugin, one that calls the greeter, three that call
// the faulty plugin, all as fast as they can. Used by one thread.
class Traffic {
  public:
    struct Figures {
        Tally checksum;
        Tally greeter;
        Tally faulty;
    };

    // `bytes` are what is checksummed; they must stay.
    Traffic(const Stage& stage, std::span<const std::byte> bytes);

    Figures stop();

  private:
    Callers checksum_;
    Callers greeter_;
    Callers small_;
    Callers repeatable_;    // a call that a death interrupts is made again
    Callers unrepeatable_;  // it ends as `crashed`
};

}  // namespace bulkhead::demo
