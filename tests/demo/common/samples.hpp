// Durations that were measured.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace bulkhead::demo {

// Keeps each duration, so that its quantiles are exact. Value; one thread.
class Samples {
  public:
    void reserve(std::size_t count) { values_.reserve(count); }
    void add(std::chrono::nanoseconds value) { values_.push_back(value); }
    void append(const Samples& others) { values_.insert(values_.end(), others.values_.begin(), others.values_.end()); }

    std::size_t count() const noexcept { return values_.size(); }
    const std::vector<std::chrono::nanoseconds>& values() const noexcept { return values_; }
    // The smallest duration that at least this share of all does not exceed; `fraction` from 0 to 1. Zero when empty.
    std::chrono::nanoseconds quantile(double fraction) const;
    std::chrono::nanoseconds longest() const { return quantile(1.0); }

  private:
    std::vector<std::chrono::nanoseconds> values_;
};

}  // namespace bulkhead::demo
