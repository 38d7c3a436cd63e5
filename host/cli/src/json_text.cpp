#include "json_text.hpp"

#include <bulkhead/host/report_json.hpp>

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

std::string base64(std::string_view bytes) {
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t index = 0; index < 3; ++index) {
            group = group << 8 | (index < count ? static_cast<unsigned char>(bytes[at + index]) : 0U);
        }
        for (std::size_t digit = 0; digit < 4; ++digit) {
            text += digit <= count ? kDigits[group >> (18 - 6 * digit) & 63] : '=';
        }
    }
    return text;
}

bool is_utf8(std::string_view bytes) {
    try {
        static_cast<void>(Json(bytes).dump());
        return true;
    } catch (const Json::type_error&) {
        return false;
    }
}

// Deep nesting would be parsed, and later printed and destroyed, by recursion.
bool is_shallow(std::string_view text) {
    constexpr int kMostLevels = 64;
    int depth = 0;
    for (const char c : text) {
        depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
        if (depth > kMostLevels) {
            return false;
        }
    }
    return true;
}

}  // namespace

Json json_of(const Error& error) {
    Json json = {{"outcome", to_string(error.code)}, {"effect", to_string(error.effect)}, {"message", error.message}};
    if (error.code == ErrorCode::plugin_failed) {
        json["number"] = error.plugin_number;
    }
    if (error.report) {
        json["report"] = to_json(*error.report);
    }
    return json;
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }
std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json json_of_bytes(std::string_view bytes) {
    if (is_shallow(bytes)) {
        Json parsed = Json::parse(bytes, nullptr, false);
        if (!parsed.is_discarded()) {
            return {{"json", std::move(parsed)}};
        }
    }
    return is_utf8(bytes) ? Json{{"text", bytes}} : Json{{"base64", base64(bytes)}};
}

}  // namespace bulkhead::cli
