#include "bounded_json.hpp"

#include "shown_text.hpp"

namespace bulkhead::detail {

std::optional<nlohmann::json> parse_bounded_json(std::string_view text, std::string& cause) {
    bool too_deep = false;
    // Leaves out what lies too deep, so it is never built; `depth` counts from 0.
    using Event = nlohmann::json::parse_event_t;
    const auto shallow = [&too_deep](int depth, Event event, nlohmann::json&) {
        const bool opens = event == Event::object_start || event == Event::array_start;
        too_deep = too_deep || (opens && depth >= kMaxJsonDepth);
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
        cause = shown_text(prefix == std::string::npos ? what : what.substr(prefix + 2), what.size());
    }
    return std::nullopt;
}

}  // namespace bulkhead::detail
