// Two rows of the same measurement.
#pragma once

#include <string>
#include <vector>

#include "rounds.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {

// p50 and p99, in microseconds, of what is measured and of its reference. Value; one thread.
class QuantilePair {
  public:
    QuantilePair(const std::string& name, const std::string& reference)
        : p50_(name, "p50", "us", reference), p99_(name, "p99", "us", reference) {}

    // One round.
    void add(const Samples& samples, const Samples& reference) {
        p50_.add(microseconds(samples.quantile(0.5)), microseconds(reference.quantile(0.5)));
        p99_.add(microseconds(samples.quantile(0.99)), microseconds(reference.quantile(0.99)));
    }
    void append_to(std::vector<Row>& rows) const {
        rows.push_back(p50_.row());
        rows.push_back(p99_.row());
    }

  private:
    Rounds p50_;
    Rounds p99_;
};

}  // namespace bulkhead::bench
