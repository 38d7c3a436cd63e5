// Checks what a library's bulkhead_plugin() returned.
#pragma once

#include <string_view>
#include <vector>

#include "bulkhead/plugin/plugin.h"
#include "refusal.hpp"

namespace bulkhead::worker {

// The plugin's table and its methods one behind the other, whatever size they have in the plugin. The strings and
// functions are the library's.
struct PluginTable {
    bulkhead_plugin_table functions{};
    std::vector<bulkhead_method> methods;
};

// `table` may be null. `library` is named in the refusal.
OrRefusal<PluginTable> check_plugin_table(const bulkhead_plugin_table* table, std::string_view library);

}  // namespace bulkhead::worker
