// Who makes the faulty plugin crash.
#pragma once

#include <sys/types.h>

#include <bulkhead/host/plugin.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "faults.hpp"
#include "tally.hpp"

namespace bulkhead::demo {

// Ends the faulty plugin's worker and waits for the next one. The only one that does, so that each death is its own.
// One thread.
class Attacker {
  public:
    explicit Attacker(Plugin faulty) : faulty_(std::move(faulty)) {}

    // Commits the fault and asks until a new worker answers. From right before the fault to that answer, the way of the
    // request to the worker included; empty: there was none in time, or the fault did not end the call as it must.
    std::optional<std::chrono::nanoseconds> strike(const Fault& fault);

    // Asks the worker who it is, without harm. Its pid; 0: no answer.
    pid_t ask();

    const Tally& tally() const noexcept { return tally_; }
    // Why the last strike came to nothing.
    const std::string& complaint() const noexcept { return complaint_; }

  private:
    bool commit(const Fault& fault, pid_t victim);

    Plugin faulty_;
    Tally tally_;
    std::string complaint_;
};

}  // namespace bulkhead::demo
