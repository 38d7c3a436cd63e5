// From many rounds to one row.
#pragma once

#include <string>
#include <vector>

#include "row.hpp"

namespace bulkhead::bench {

// Collects what each round measured of one figure and of its reference right after. The medians over the rounds make
// the row, so a round that somebody else's work spoiled does not count. Value; one thread.
class Rounds {
  public:
    Rounds(std::string name, std::string metric, std::string unit, std::string reference);

    void add(double value, double reference_value);
    Row row() const;
    // The largest of all rounds instead: for what is said to be the longest.
    Row row_of_largest() const;

  private:
    Row row_;
    std::vector<double> values_;
    std::vector<double> reference_values_;
};

// The middle one, or the mean of the two in the middle. 0 when empty.
double median(std::vector<double> values);

}  // namespace bulkhead::bench
