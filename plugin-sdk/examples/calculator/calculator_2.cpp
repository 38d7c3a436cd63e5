// Release 2 of the calculator: calculate(int) -> int triples.
#include <bulkhead/plugin/json.hpp>
#include <bulkhead/plugin/plugin.hpp>

#include "checked_product.hpp"

struct Calculator {
    int calculate(int number) { return checked_product(number, 3); }
};

BULKHEAD_PLUGIN(Calculator, "calculator", "2.0.0",
                bulkhead::plugin::method<&Calculator::calculate>("calculate", bulkhead::plugin::idempotent))
