// Time as benchmarks take it.
#pragma once

#include <algorithm>
#include <chrono>

#include "common/samples.hpp"

namespace bulkhead::bench {

using Clock = std::chrono::steady_clock;
using demo::Samples;

// What reading the clock once costs: a tenth or more of a cache line's way between two cores. Measured at the first
// call, then remembered.
std::chrono::nanoseconds clock_cost();

// Times `count` runs of `once`, each by itself and less the cost of reading the clock.
template <typename Once>
Samples time_each(std::size_t count, Once&& once) {
    const auto cost = clock_cost();
    Samples samples;
    samples.reserve(count);
    for (std::size_t run = 0; run < count; ++run) {
        const auto begin = Clock::now();
        once();
        const auto end = Clock::now();
        samples.add(std::max(end - begin - cost, std::chrono::nanoseconds(0)));
    }
    return samples;
}

inline double microseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::micro>(time).count();
}
inline double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace bulkhead::bench
