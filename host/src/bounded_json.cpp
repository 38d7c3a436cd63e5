#include "bounded_json.hpp"

namespace bulkhead::detail {

std::optional<nlohmann::json> parse_bounded_json(std::string_view text, std::string& cause) {
    bool too_deep = false;
    // Leaves out what lies too deep, so it is never built; `depth` counts from 0.
    const auto shallow = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
        too_deep = too_deep || depth > kMaxJsonDepth;
        return !too_deep;
    };
    try {
        nlohmann::json value = nlohmann::json::parse(text, shallow);
        if (!too_deep) {
            return value;
        }
        cause = "it nests deeper than " + std::to_string(kMaxJsonDepth) + " levels";
    } catch (const nlohmann::json::exception& error) {
        const std::string what = error.what();
        const std::size_t prefix = what.find("] ");  // "[json.exception.parse_error.101] "
        cause = prefix == std::string::npos ? what : what.substr(prefix + 2);
    }
    return std::nullopt;
}

}  // namespace bulkhead::detail
