// Release 1 of the calculator: calculate(int) -> int doubles.
#include <bulkhead/plugin/json.hpp>
#include <bulkhead/plugin/plugin.hpp>

#include "checked_product.hpp"

struct Calculator {
    int calculate(int number) { return checked_product(number, 2); }
};

BULKHEAD_PLUGIN(Calculator, "calculator", "1.0.0",
                bulkhead::plugin::method<&Calculator::calculate>("calculate", bulkhead::plugin::idempotent))
