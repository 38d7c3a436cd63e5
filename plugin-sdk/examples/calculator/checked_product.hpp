// A product that is right or an error.
#pragma once

#include <bulkhead/plugin/error.hpp>
#include <cstdint>
#include <limits>
#include <string>

inline int checked_product(int number, int factor) {
    const std::int64_t product = std::int64_t{number} * factor;
    if (product < std::numeric_limits<int>::min() || product > std::numeric_limits<int>::max()) {
        throw bulkhead::plugin::Error(
            1, std::to_string(number) + " times " + std::to_string(factor) + " does not fit into an int");
    }
    return static_cast<int>(product);
}
