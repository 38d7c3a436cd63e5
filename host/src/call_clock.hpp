// The clock that calls are timed with.
#pragma once

#include <bulkhead/transport/waiting.hpp>
#include <cstdint>

#include "tick_counter.hpp"

namespace bulkhead::detail {

// steady_clock, read through the processor's counter where the kernel itself keeps time with it: less than half the
// cost, twice in each call. It asks steady_clock again each millisecond, and learns from that how fast the counter is,
// so it is never wrong by more than a fraction of a microsecond, however long it runs. Guarded by the lane's mutex.
class CallClock {
  public:
    transport::SteadyTime now() noexcept {
        const std::uint64_t passed = read_ticks() - anchor_ticks_;
        if (passed < longest_) {
            return anchor_ + std::chrono::nanoseconds((passed * rate_) >> kRateBits);
        }
        return look();
    }

  private:
    static constexpr unsigned kRateBits = 32;

    transport::SteadyTime look() noexcept;
    void learn_rate(transport::SteadyTime time, std::uint64_t ticks) noexcept;

    transport::SteadyTime anchor_;
    std::uint64_t anchor_ticks_ = 0;
    std::uint64_t longest_ = 0;  // ticks for which the anchor is good; 0: the rate is not known yet
    std::uint64_t rate_ = 0;     // nanoseconds in a tick, shifted by kRateBits
    transport::SteadyTime first_;
    std::uint64_t first_ticks_ = 0;
};

}  // namespace bulkhead::detail
