// The reference of the recovery benchmark, from the server's side.
#pragma once

#include <sys/types.h>

#include <bulkhead/transport/descriptor.hpp>

#include "fault_clock.hpp"

namespace bulkhead::bench {

// Starts the bare fork server and, one at a time, its processes. Throws std::runtime_error when one does not come.
class BareWorkers {
  public:
    explicit BareWorkers(const char* library);
    ~BareWorkers();
    BareWorkers(const BareWorkers&) = delete;
    BareWorkers& operator=(const BareWorkers&) = delete;

    // Orders the next process and waits until it is ready. A former one stays.
    void start();
    // The present one.
    pid_t worker() const noexcept { return worker_; }
    // Prepares to notice the death of the present one.
    void watch();
    // Ends it, by a fault of its own, whose time the clock then has, or by SIGKILL.
    void crash();
    void kill() const;
    // Waits for its death notice.
    void await_death() const;
    Clock::time_point fault() const { return clock_.fault(); }

  private:
    FaultClock clock_;
    pid_t server_ = 0;
    pid_t worker_ = 0;
    transport::Descriptor orders_;
    transport::Descriptor talk_;
    transport::Descriptor death_;
};

}  // namespace bulkhead::bench
