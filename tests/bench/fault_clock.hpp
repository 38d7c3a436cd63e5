// When a worker faulted.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <string>

#include "stopwatch.hpp"

namespace bulkhead::bench {

// A page of shared memory into which a process that is about to fault writes the time, so that what is measured begins
// with the faulting instruction and not with the order to fault.
class FaultClock {
  public:
    FaultClock();
    ~FaultClock();
    FaultClock(const FaultClock&) = delete;
    FaultClock& operator=(const FaultClock&) = delete;

    // For processes that open it, and those that inherit it.
    std::string path() const;
    const transport::Descriptor& file() const noexcept { return file_; }

    void reset() noexcept;
    // Of the fault since the last reset. Throws std::runtime_error when there was none.
    Clock::time_point fault() const;

  private:
    transport::Descriptor file_;
    long long* nanoseconds_;  // CLOCK_MONOTONIC; 0: no fault yet
};

}  // namespace bulkhead::bench
