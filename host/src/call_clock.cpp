#include "call_clock.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

constexpr auto kAnchorLasts = std::chrono::milliseconds(1);
constexpr auto kLeastBase = std::chrono::milliseconds(20);  // to learn the rate from
constexpr auto kMostBase = std::chrono::seconds(1);
constexpr std::uint64_t kMostTicksApart = 2000;  // around one reading; more, and something came between
constexpr std::uint64_t kMostRate = std::uint64_t{16} << 32;

}  // namespace

SteadyTime CallClock::look() noexcept {
    static const bool steady = ticks_are_steady();
    if (!steady) {
        return std::chrono::steady_clock::now();
    }
    const std::uint64_t before = read_ticks();
    const SteadyTime time = std::chrono::steady_clock::now();
    const std::uint64_t ticks = read_ticks();
    if (ticks - before > kMostTicksApart) {
        longest_ = 0;
        return time;
    }
    learn_rate(time, ticks);
    anchor_ = time;
    anchor_ticks_ = ticks;
    return time;
}

void CallClock::learn_rate(SteadyTime time, std::uint64_t ticks) noexcept {
    const auto base = time - first_;
    if (first_ticks_ == 0 || ticks <= first_ticks_) {
        first_ = time;
        first_ticks_ = ticks;
        return;
    }
    if (base < kLeastBase) {
        return;
    }
    const double nanoseconds_in_tick = static_cast<double>(base.count()) / static_cast<double>(ticks - first_ticks_);
    rate_ = static_cast<std::uint64_t>(nanoseconds_in_tick * 0x1p32);
    const bool plausible = rate_ > 0 && rate_ < kMostRate;
    const std::chrono::nanoseconds lasts = kAnchorLasts;
    longest_ = plausible ? static_cast<std::uint64_t>(static_cast<double>(lasts.count()) / nanoseconds_in_tick) : 0;
    if (base > kMostBase) {  // the kernel steers its clock: what counts is how fast it is now
        first_ = time;
        first_ticks_ = ticks;
    }
}

}  // namespace bulkhead::detail
