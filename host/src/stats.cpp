#include "bulkhead/host/stats.hpp"

#include <algorithm>
#include <cmath>

namespace bulkhead {

std::chrono::nanoseconds LatencyHistogram::quantile(double fraction) const noexcept {
    const std::uint64_t total = count();
    const double rank = std::ceil(std::fmin(1.0, std::fmax(0.0, fraction)) * static_cast<double>(total));
    const std::uint64_t wanted =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, std::max<std::uint64_t>(total, 1));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < kBuckets && total > 0; ++index) {
        seen += buckets_[index];
        if (seen >= wanted) {
            if (index < (std::size_t{1} << kSubBits)) {
                return std::chrono::nanoseconds(index);
            }
            const std::size_t exponent = (index >> kSubBits) - 1;
            const std::uint64_t mantissa = (index & ((1U << kSubBits) - 1)) + (1U << kSubBits);
            return std::chrono::nanoseconds(((mantissa + 1) << exponent) - 1);
        }
    }
    return std::chrono::nanoseconds(0);
}

}  // namespace bulkhead
