// Plugin classes that are made from the manifest's "config".
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>

#include "bulkhead/plugin/instance.hpp"
#include "bulkhead/plugin/json_parse.hpp"
#include "bulkhead/plugin/json_value.hpp"
#include "bulkhead/plugin/services.hpp"

namespace bulkhead::plugin {

// Converts to JSON and nothing else. nlohmann::json itself converts to nearly everything, so a class that is made
// from a string would look as if it were made from JSON.
struct OnlyJson {
    operator const nlohmann::json&() const;
};

// A struct that a config can be read into.
template <class T>
concept ConfigStruct = std::is_class_v<T> && !std::same_as<T, nlohmann::json> &&
                       !std::convertible_to<const T&, std::string_view> && FromJson<T>;

// Becomes whatever struct the constructor of T wants its config as.
template <class T>
struct ConfigFor {
    template <class U>
    requires(!std::same_as<U, T> && ConfigStruct<U>) operator U() const {
        return from_json_document<U>(parse_json(text, std::string(kConfigSubject.document)), kConfigSubject);
    }
    std::string_view text;
};

template <class T>
concept JsonConstructible =
    !std::is_aggregate_v<T> && (std::is_constructible_v<T, OnlyJson> || std::is_constructible_v<T, OnlyJson, Services>);
template <class T>
concept ConfigConstructible =
    !std::is_aggregate_v<T> && !JsonConstructible<T> &&
    (std::is_constructible_v<T, ConfigFor<T>> || std::is_constructible_v<T, ConfigFor<T>, Services>);

template <JsonConstructible T>
struct Constructor<T> {
    static T make(const Context& context) {
        const nlohmann::json config = parse_json(context.config, std::string(kConfigSubject.document));
        if constexpr (std::is_constructible_v<T, OnlyJson, Services>) {
            return T(config, context.services);
        } else {
            return T(config);
        }
    }
};

template <ConfigConstructible T>
struct Constructor<T> {
    static T make(const Context& context) {
        const ConfigFor<T> config{context.config};
        if constexpr (std::is_constructible_v<T, ConfigFor<T>, Services>) {
            return T(config, context.services);
        } else {
            return T(config);
        }
    }
};

}  // namespace bulkhead::plugin
