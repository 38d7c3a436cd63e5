// JSON for plugins: handlers that take or return nlohmann::json, and plugin classes made from the manifest's
// "config" by a constructor that takes a const nlohmann::json&. Needs nlohmann_json 3.10 or later.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "bulkhead/plugin/codec.hpp"
#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/instance.hpp"

namespace bulkhead::plugin {

// Deeper documents are refused, because copying and printing them would use up the stack.
inline constexpr int kMaxJsonDepth = 128;

// `what` names the document in the error's sentence.
inline nlohmann::json parse_json(std::string_view text, const std::string& what) {
    using Event = nlohmann::json::parse_event_t;
    const auto limit_depth = [&what](int depth, Event event, nlohmann::json&) {
        if ((event == Event::array_start || event == Event::object_start) && depth >= kMaxJsonDepth) {
            throw Error(kUnspecified, what + " is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
        }
        return true;
    };
    try {
        return nlohmann::json::parse(text.begin(), text.end(), limit_depth);
    } catch (const nlohmann::json::parse_error& error) {
        throw Error(kUnspecified, what + " is not JSON: " + error.what());
    }
}

template <>
struct Codec<nlohmann::json> {
    static nlohmann::json decode(std::span<const std::byte> request) {
        return parse_json(Codec<std::string_view>::decode(request), "the request");
    }
    static std::string encode(const nlohmann::json& value) { return value.dump(); }
};

// Converts to JSON and nothing else. nlohmann::json itself converts to nearly everything, so a class that is made
// from a string would look as if it were made from JSON.
struct OnlyJson {
    operator const nlohmann::json&() const;
};

template <class T>
concept JsonConstructible = std::is_constructible_v<T, OnlyJson> && !std::is_aggregate_v<T>;

template <JsonConstructible T>
struct Constructor<T> {
    static T make(const Context& context) { return T(parse_json(context.config, "the config")); }
};

}  // namespace bulkhead::plugin
