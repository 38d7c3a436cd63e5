#include <algorithm>
#include <ctime>

#include "poll_until.hpp"

namespace bulkhead::worker {

using Clock = std::chrono::steady_clock;

int poll_until(std::span<pollfd> events, std::initializer_list<std::optional<Clock::time_point>> due) noexcept {
    std::optional<Clock::time_point> next;
    for (const auto& time : due) {
        if (time && (!next || *time < *next)) {
            next = time;
        }
    }
    if (!next) {
        return ::ppoll(events.data(), events.size(), nullptr, nullptr);
    }
    const std::chrono::nanoseconds left = std::max(*next - Clock::now(), Clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec time{seconds.count(), (left - seconds).count()};
    return ::ppoll(events.data(), events.size(), &time, nullptr);
}

}  // namespace bulkhead::worker
