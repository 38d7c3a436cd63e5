// From text to a JSON document that is safe to work with.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bulkhead/plugin/error.hpp"

namespace bulkhead::plugin {

// Deeper documents are refused, because copying and printing them would use up the stack.
inline constexpr int kMaxJsonDepth = 128;

// Looks at the brackets outside of strings before anything is built. A callback of the parser's could count too, but
// then it looks through all that lies beside an object whenever one ends, which takes minutes for a request of many.
inline bool nests_too_deep(std::string_view text) noexcept {
    int depth = 0;
    bool in_string = false;
    for (std::size_t place = 0; place < text.size(); ++place) {
        const char character = text[place];
        if (character == '"') {
            in_string = !in_string;
        } else if (in_string) {
            place += character == '\\' ? 1 : 0;
        } else if (character == '[' || character == '{') {
            if (++depth > kMaxJsonDepth) {
                return true;
            }
        } else if (character == ']' || character == '}') {
            --depth;
        }
    }
    return false;
}

// `what` names the document in the error's sentence. Throws Error.
inline nlohmann::json parse_json(std::string_view text, const std::string& what) {
    if (nests_too_deep(text)) {
        throw Error(kUnspecified, what + " is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    try {
        return nlohmann::json::parse(text.begin(), text.end());
    } catch (const nlohmann::json::parse_error& error) {
        throw Error(kUnspecified, what + " is not JSON: " + error.what());
    }
}

}  // namespace bulkhead::plugin
