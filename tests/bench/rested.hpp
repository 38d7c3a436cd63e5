// Time of what wakes up first.
#pragma once

#include <thread>

#include "stopwatch.hpp"

namespace bulkhead::bench {

// Longer than any side spins, so that both are asleep when the next call comes.
inline constexpr std::chrono::microseconds kLongRest{400};

// Like time_each, but sleeps before each run.
template <typename Once>
Samples time_each_after_rest(std::size_t count, std::chrono::microseconds rest, Once&& once) {
    Samples samples;
    samples.reserve(count);
    for (std::size_t run = 0; run < count; ++run) {
        std::this_thread::sleep_for(rest);
        samples.append(time_each(1, once));
    }
    return samples;
}

}  // namespace bulkhead::bench
