// What a worker may do, put in force before any code of the plugin runs.
#pragma once

#include <optional>

#include "order.hpp"
#include "refusal.hpp"

namespace bulkhead::worker {

// Sets the order's limits, and that there are no core dumps: one takes longer than a restart.
std::optional<Refusal> apply_limits(const Limits& limits);

// Takes away what can be taken away for good. Called with all descriptors closed that the plugin must not have,
// before the library and its dependencies are loaded, because loading runs their constructors.
std::optional<Refusal> apply_policy(const Order& order);

}  // namespace bulkhead::worker
