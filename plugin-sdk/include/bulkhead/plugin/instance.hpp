// A plugin object and what makes and ends it: the `create` to `deactivate` members of the ABI's table.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/plugin.h"
#include "bulkhead/plugin/services.hpp"
#include "bulkhead/plugin/state_format.hpp"

namespace bulkhead::plugin {

// What a plugin object can be made from.
struct Context {
    Services services;
    std::string_view config;  // the manifest's "config" as JSON; valid while the object is made
};

// Makes a T: from a Context when it has such a constructor, else by default. json.hpp adds a constructor from the
// config as nlohmann::json.
template <class T>
struct Constructor {
    static_assert(std::constructible_from<T, const Context&> || std::default_initializable<T>,
                  "a plugin object is made from a Context, by default, or (json.hpp) from a const nlohmann::json&");
    static T make(const Context& context) {
        if constexpr (std::constructible_from<T, const Context&> && !std::is_aggregate_v<T>) {
            return T(context);
        } else {
            return T();
        }
    }
};

// What the worker hands back to every function of the table as `instance`.
template <class T>
struct Instance {
    explicit Instance(const Context& context) : services(context.services), object(Constructor<T>::make(context)) {}
    Services services;
    T object;
    [[no_unique_address]] typename StateFormatOf<T>::type state_format;
};

// Cuts a text that is too long between two characters, never inside one.
inline void set_error(bulkhead_error& error, std::int32_t number, std::string_view text) noexcept {
    std::size_t length = text.size();
    if (length >= sizeof(error.text)) {
        length = sizeof(error.text) - 1;
        while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
            --length;
        }
    }
    error.number = number;
    text.copy(error.text, length);
    error.text[length] = '\0';
}

// Runs `step`; an exception becomes the error and a result that is not 0.
template <class Step>
int guarded(bulkhead_error* error, Step&& step) noexcept {
    try {
        step();
        return 0;
    } catch (...) {
        report_exception([error](std::int32_t number, const char* text) { set_error(*error, number, text); });
        return 1;
    }
}

template <class T>
concept Activatable = requires(T& object) {
    object.activate();
};

template <class T>
concept Deactivatable = requires(T& object) {
    object.deactivate();
};

template <class T>
int create(const bulkhead_services* services, bulkhead_bytes config, void** instance, bulkhead_error* error) noexcept {
    return guarded(error, [&] {
        // All that the first version of the ABI had; members added later are asked for one by one.
        constexpr std::size_t kNeeded = offsetof(bulkhead_services, plugin_directory) + sizeof(void*);
        if (services->size < kNeeded) {
            throw Error(kUnspecified, "the worker offers fewer services than the plugin was compiled for");
        }
        const std::string_view text(static_cast<const char*>(config.data), config.size);
        *instance = std::make_unique<Instance<T>>(Context{Services(*services), text}).release();
    });
}

template <class T>
void destroy(void* instance) noexcept {
    std::unique_ptr<Instance<T>>(static_cast<Instance<T>*>(instance)).reset();
}

template <Activatable T>
int activate(void* instance, bulkhead_error* error) noexcept {
    return guarded(error, [&] { static_cast<Instance<T>*>(instance)->object.activate(); });
}

template <Deactivatable T>
void deactivate(void* instance) noexcept {
    auto& self = *static_cast<Instance<T>*>(instance);
    try {
        self.object.deactivate();
    } catch (...) {
        report_exception([&](std::int32_t, const char* text) { self.services.log(LogLevel::error, text); });
    }
}

}  // namespace bulkhead::plugin
