// Waits for a signal to stop, or for something else to happen.
#pragma once

#include <csignal>
#include <string>

namespace bulkhead::cli {

// Blocks SIGINT, SIGTERM and SIGHUP as long as it lives or until release(). One thread waits; any may wake it.
class StopSignals {
  public:
    enum class Woken { by_signal, by_event };

    StopSignals();  // throws Failure
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    Woken wait();
    void wake() noexcept;
    // Of the signal that came: "SIGINT".
    std::string name() const;
    // From now on these signals do what they did before.
    void release();

  private:
    sigset_t before_{};
    int signals_ = -1;
    int events_ = -1;
    int received_ = 0;
};

}  // namespace bulkhead::cli
