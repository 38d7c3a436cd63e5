#include "restart_policy.hpp"

#include <algorithm>

namespace bulkhead::detail {

using transport::SteadyTime;
using Next = RestartDecision::Next;

namespace {

// How many of these times lie in the span that ends now.
std::size_t count_within(const std::deque<SteadyTime>& times, std::chrono::nanoseconds span, SteadyTime now) {
    const auto inside = [&](SteadyTime time) { return now - time > span; };
    return static_cast<std::size_t>(times.end() - std::partition_point(times.begin(), times.end(), inside));
}

}  // namespace

RestartDecision RestartPolicy::after(WorkerEnd end, bool served, SteadyTime now, std::uint64_t random) {
    if (end == WorkerEnd::blameless) {
        return after_blameless(served, now, random);
    }
    blameless_ = {};
    if (stays_down(end)) {
        return {Next::stay_down,
                {},
                settings_.rule == RestartRule::temporary ? "its worker ended and its policy is temporary"
                                                         : "its worker exited with code 0 and its policy is transient"};
    }
    if (end == WorkerEnd::failed_start) {
        ++row_.failed_starts;
        ++row_.deaths;
        if (row_.failed_starts > settings_.start_attempts) {
            return {Next::give_up,
                    {},
                    "it failed to start " + std::to_string(row_.failed_starts) + " times in a row (" +
                        std::to_string(settings_.start_attempts) + " are allowed)"};
        }
        return wait(row_.deaths, now, random);
    }
    row_.failed_starts = 0;
    row_.deaths = served ? 0 : row_.deaths + 1;
    if (const RestartLimit* limit = limit_reached(now)) {
        return {Next::give_up,
                {},
                "its worker died too often (" + std::to_string(limit->restarts) + " restarts within " +
                    std::to_string(limit->within.count()) + " ms are allowed)"};
    }
    restarts_.push_back(now);
    return row_.deaths <= 1 ? RestartDecision{} : wait(row_.deaths, now, random);
}

RestartDecision RestartPolicy::after_blameless(bool served, SteadyTime now, std::uint64_t random) {
    constexpr std::uint32_t kMostAtOnce = 3;
    constexpr std::uint32_t kMost = 10;
    constexpr std::chrono::seconds kLongest{10};
    constexpr std::chrono::minutes kForgotten{1};
    if (served || now - blameless_.last > kForgotten) {
        blameless_ = {};
    }
    if (blameless_.ends == 0) {
        blameless_.since = now;
    }
    ++blameless_.ends;
    blameless_.last = now;
    if (blameless_.ends > kMost && now - blameless_.since > kLongest) {
        return {Next::give_up,
                {},
                "its process or the fork server was killed " + std::to_string(blameless_.ends) +
                    " times in a row while it was being started"};
    }
    return blameless_.ends <= kMostAtOnce ? RestartDecision{} : wait(blameless_.ends - kMostAtOnce + 1, now, random);
}

RestartDecision RestartPolicy::wait(std::uint32_t ends, SteadyTime now, std::uint64_t random) const {
    if (settings_.backoff.first.count() == 0) {
        return {};
    }
    return {Next::later, now + delay(ends, random), {}};
}

void RestartPolicy::reset() {
    row_ = {};
    blameless_ = {};
    restarts_.clear();
}

bool RestartPolicy::stays_down(WorkerEnd end) const noexcept {
    return settings_.rule == RestartRule::temporary ||
           (settings_.rule == RestartRule::transient && end == WorkerEnd::exit);
}

// The limit that one more restart would break; null: none.
const RestartLimit* RestartPolicy::limit_reached(SteadyTime now) {
    const auto longest = std::max(settings_.burst.within, settings_.sustained.within);
    while (!restarts_.empty() && now - restarts_.front() > longest) {
        restarts_.pop_front();
    }
    for (const RestartLimit* limit : {&settings_.burst, &settings_.sustained}) {
        if (count_within(restarts_, limit->within, now) >= limit->restarts) {
            return limit;
        }
    }
    return nullptr;
}

std::chrono::nanoseconds RestartPolicy::delay(std::uint32_t ends, std::uint64_t random) const {
    constexpr double kLeast = 0.75;
    constexpr double kSpread = 0.5;
    std::chrono::duration<double, std::nano> wait = settings_.backoff.first;
    for (std::uint32_t end = 2; end < ends && wait < settings_.backoff.cap; ++end) {
        wait *= 2;
    }
    wait = std::min<decltype(wait)>(wait, settings_.backoff.cap);
    const double fraction = static_cast<double>(random >> 11) * 0x1p-53;  // 0 to less than 1
    return std::chrono::duration_cast<std::chrono::nanoseconds>(wait * (kLeast + kSpread * fraction));
}

}  // namespace bulkhead::detail
