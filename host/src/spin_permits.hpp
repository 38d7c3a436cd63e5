// Who may spin instead of sleeping.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "bulkhead/host/manifest.hpp"

namespace bulkhead::detail {

// Grants workers the permit to spin before they park: at most cores - 1 at a time, to those that were woken last.
// A worker without one parks at once; one with it spins no longer than a wake-up costs. Any thread.
class SpinPermits {
  public:
    SpinPermits();

    // What a wake-up costs here; 0: nothing may spin.
    std::chrono::nanoseconds budget() const noexcept { return budget_; }

    // How long a plugin's caller and worker look before they sleep, as its manifest wants it.
    std::chrono::nanoseconds budget_for(Latency latency) const noexcept;

    // The worker behind this cell was just woken: it gets a permit, taken from the one that has waited longest.
    void claim(std::atomic<std::uint32_t>& permit);
    // The cell goes away or changes its worker.
    void give_back(std::atomic<std::uint32_t>& permit);

  private:
    std::chrono::nanoseconds budget_;
    std::size_t most_;
    std::mutex mutex_;
    std::vector<std::atomic<std::uint32_t>*> holders_;  // the longest holder first; never grows beyond most_
};

}  // namespace bulkhead::detail
