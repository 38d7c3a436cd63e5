#include "stopwatch.hpp"

namespace bulkhead::bench {

std::chrono::nanoseconds clock_cost() {
    static const std::chrono::nanoseconds cost = [] {
        constexpr int kReadings = 10'001;
        Samples samples;
        auto last = Clock::now();
        for (int reading = 0; reading < kReadings; ++reading) {
            const auto now = Clock::now();
            samples.add(now - last);
            last = now;
        }
        return samples.quantile(0.5);
    }();
    return cost;
}

}  // namespace bulkhead::bench
