// From text to a JSON document that is safe to work with.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bulkhead/plugin/error.hpp"

namespace bulkhead::plugin {

// Deeper documents are refused, because copying and printing them would use up the stack.
inline constexpr int kMaxJsonDepth = 128;

// `what` names the document in the error's sentence. Throws Error.
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

}  // namespace bulkhead::plugin
