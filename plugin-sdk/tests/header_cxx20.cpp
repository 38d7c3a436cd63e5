// plugin.h compiles alone as C++20, and what it declares has C linkage and can be a compile-time constant.
#include "bulkhead/plugin/plugin.h"

#include <type_traits>

static_assert(std::is_same_v<decltype(&bulkhead_plugin), bulkhead_plugin_function>);
static_assert(std::is_aggregate_v<bulkhead_plugin_table> && std::is_trivially_copyable_v<bulkhead_plugin_table>);
static_assert(std::is_aggregate_v<bulkhead_services> && std::is_trivially_copyable_v<bulkhead_services>);

namespace {
constexpr bulkhead_plugin_table constant{};
static_assert(constant.methods == nullptr);
}  // namespace
