// Time of what wakes up first.
#pragma once

#include <thread>
#include <utility>

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

// Long enough that all is done that follows a death and its report: a blank for the next worker, for one.
inline void rest_after_death() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

// Two times in turns, so that neither finds everything in the caches as its own last run left it.
template <typename Once, typename Reference>
std::pair<Samples, Samples> take_in_turns(std::size_t count, Once&& once, Reference&& reference) {
    std::pair<Samples, Samples> taken;
    for (std::size_t run = 0; run < count; ++run) {
        taken.first.add(once());
        taken.second.add(reference());
    }
    return taken;
}

}  // namespace bulkhead::bench
