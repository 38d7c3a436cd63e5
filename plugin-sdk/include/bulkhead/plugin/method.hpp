// The methods of a plugin: which handler answers under which name.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bulkhead/plugin/handler.hpp"
#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin {

struct MethodFlags {
    std::uint32_t bits = 0;
    friend constexpr MethodFlags operator|(MethodFlags a, MethodFlags b) { return {a.bits | b.bits}; }
};

// Running it twice is as good as running it once: a call that was begun when the worker died is tried again.
inline constexpr MethodFlags idempotent{BULKHEAD_METHOD_IDEMPOTENT};
// Reserved: may run beside other calls.
inline constexpr MethodFlags thread_safe{BULKHEAD_METHOD_THREAD_SAFE};

template <auto Handler>
struct Method {
    const char* name;
    MethodFlags flags;
};

// A method of the plugin. The handler is a member function of the plugin class, a free function, or, where that is
// not enough, a function with the signature of bulkhead_method.run, whose `instance` is an Instance of the plugin
// class. A wrong name does not compile.
template <auto Handler>
consteval Method<Handler> method(const char* name, MethodFlags flags = {}) {
    const std::size_t length = std::string_view(name).size();
    if (length < 1 || length > 59) {
        throw "the name of a method has 1 to 59 bytes";
    }
    return {name, flags};
}

using RunFunction = decltype(bulkhead_method::run);

template <class T, auto Handler>
consteval RunFunction run_function() {
    if constexpr (std::convertible_to<decltype(Handler), RunFunction>) {
        return Handler;
    } else {
        return &run<T, Handler>;
    }
}

// The method table of the plugin class T. Two methods of one name do not compile.
template <class T, auto... Handlers>
consteval std::array<bulkhead_method, sizeof...(Handlers)> make_methods(Method<Handlers>... methods) {
    static_assert(sizeof...(Handlers) >= 1 && sizeof...(Handlers) <= 256, "a plugin has 1 to 256 methods");
    const std::array<bulkhead_method, sizeof...(Handlers)> table{
        bulkhead_method{methods.name, methods.flags.bits, 0, run_function<T, Handlers>()}...};
    for (std::size_t i = 0; i < table.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (std::string_view(table[i].name) == table[j].name) {
                throw "two methods have the same name";
            }
        }
    }
    return table;
}

}  // namespace bulkhead::plugin
