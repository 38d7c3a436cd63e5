#include "bounded_json.hpp"

#include "shown_text.hpp"

namespace bulkhead::detail {

namespace {

// Before the parser builds anything. A callback of the parser's could count too, but then it looks through all that
// lies beside an object whenever one ends: a reply of many objects would keep its caller for minutes.
bool nests_too_deep(std::string_view text) {
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

}  // namespace

std::optional<nlohmann::json> parse_bounded_json(std::string_view text, std::string& cause) {
    if (nests_too_deep(text)) {
        cause = "it nests deeper than " + std::to_string(kMaxJsonDepth) + " levels";
        return std::nullopt;
    }
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::exception& error) {
        const std::string what = error.what();
        const std::size_t prefix = what.find("] ");  // "[json.exception.parse_error.101] "
        cause = shown_text(prefix == std::string::npos ? what : what.substr(prefix + 2), what.size());
    }
    return std::nullopt;
}

}  // namespace bulkhead::detail
