#include "samples.hpp"

#include <algorithm>
#include <cmath>

namespace bulkhead::demo {

std::chrono::nanoseconds Samples::quantile(double fraction) const {
    if (values_.empty()) {
        return std::chrono::nanoseconds(0);
    }
    const double rank = std::ceil(fraction * static_cast<double>(values_.size()));
    const auto index = static_cast<std::ptrdiff_t>(std::clamp(rank, 1.0, static_cast<double>(values_.size()))) - 1;
    auto sorted = values_;
    std::nth_element(sorted.begin(), sorted.begin() + index, sorted.end());
    return sorted[static_cast<std::size_t>(index)];
}

}  // namespace bulkhead::demo
