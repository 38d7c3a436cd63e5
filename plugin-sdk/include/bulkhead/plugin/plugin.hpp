// The C++ layer over the plugin ABI. A plugin is a class, its methods are member functions:
//
//   struct Greeter {
//       std::string greet(std::string_view name) { return "Hello, " + std::string(name) + "!"; }
//   };
//   BULKHEAD_PLUGIN(Greeter, "greeter", "1.0.0", bulkhead::plugin::method<&Greeter::greet>("greet"))
//
// One object of the class lives in each worker. Its constructor, activate(), its methods, deactivate() and its
// destructor run on the worker's main thread, one after the other; activate() and deactivate() may be missing.
// state.hpp tells how a class keeps its state beyond the worker. plugin-sdk/README.md tells what a handler may look
// like; json.hpp adds JSON.
#pragma once

#include <array>
#include <cstddef>

#include "bulkhead/plugin/call.hpp"
#include "bulkhead/plugin/codec.hpp"
#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/handler.hpp"
#include "bulkhead/plugin/instance.hpp"
#include "bulkhead/plugin/log_level.hpp"
#include "bulkhead/plugin/log_stream.hpp"
#include "bulkhead/plugin/method.hpp"
#include "bulkhead/plugin/plugin.h"
#include "bulkhead/plugin/services.hpp"
#include "bulkhead/plugin/state.hpp"

namespace bulkhead::plugin {

// The table of the plugin class T. `methods` must live as long as the table: a static constant.
template <class T, std::size_t Count>
consteval bulkhead_plugin_table make_table(const char* name, const char* version,
                                           const std::array<bulkhead_method, Count>& methods) {
    bulkhead_plugin_table table{};
    table.size = sizeof(bulkhead_plugin_table);
    table.abi_version = BULKHEAD_ABI_VERSION;
    table.method_size = sizeof(bulkhead_method);
    table.name = name;
    table.version = version;
    table.methods = methods.data();
    table.method_count = Count;
    table.create = &create<T>;
    table.destroy = &destroy<T>;
    if constexpr (Activatable<T>) {
        table.activate = &activate<T>;
    }
    if constexpr (Deactivatable<T>) {
        table.deactivate = &deactivate<T>;
    }
    if constexpr (Stateful<T>) {
        table.state_version = T::state_version;
        table.save = &save<T>;
        table.load = &load<T>;
    }
    return table;
}

}  // namespace bulkhead::plugin

// The library's one export: the plugin class, its name and version, then its methods.
#define BULKHEAD_PLUGIN(Class, name, version, ...)                                                   \
    extern "C" BULKHEAD_EXPORT const bulkhead_plugin_table* bulkhead_plugin(void) {                  \
        static constexpr auto methods = ::bulkhead::plugin::make_methods<Class>(__VA_ARGS__);        \
        static constexpr auto table = ::bulkhead::plugin::make_table<Class>(name, version, methods); \
        return &table;                                                                               \
    }
