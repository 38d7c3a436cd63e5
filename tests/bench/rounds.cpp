#include "rounds.hpp"

#include <algorithm>
#include <utility>

namespace bulkhead::bench {
namespace {

double largest(const std::vector<double>& values) {
    return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

}  // namespace

Rounds::Rounds(std::string name, std::string metric, std::string unit, std::string reference) {
    row_.name = std::move(name);
    row_.metric = std::move(metric);
    row_.unit = std::move(unit);
    row_.reference = std::move(reference);
}

void Rounds::add(double value, double reference_value) {
    values_.push_back(value);
    reference_values_.push_back(reference_value);
}

Row Rounds::row() const {
    Row row = row_;
    row.value = median(values_);
    row.reference_value = median(reference_values_);
    return row;
}

Row Rounds::row_of_largest() const {
    Row row = row_;
    row.value = largest(values_);
    row.reference_value = largest(reference_values_);
    return row;
}

double median(std::vector<double> values) {
    if (values.empty()) {
        return 0;
    }
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace bulkhead::bench
