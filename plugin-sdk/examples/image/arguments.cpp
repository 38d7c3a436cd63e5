#include "arguments.hpp"

#include <charconv>
#include <limits>

namespace {

using bulkhead::plugin::Error;

[[noreturn]] void refuse(const char* name, std::string_view expected, const std::string& found) {
    throw Error(IMAGE_PARAMETER,
                "field '" + std::string(name) + "' must be " + std::string(expected) + ", and " + found);
}

// Short enough for an error, and never a half character.
std::string shown(const nlohmann::json& value) {
    constexpr std::size_t kMost = 60;
    const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return "is " + (text.size() <= kMost ? text : text.substr(0, kMost) + "...");
}

constexpr std::string_view kHandle = "16 hexadecimal digits, as 'open' gave them";
constexpr std::string_view kRadius = "a whole number";
constexpr std::string_view kPath = "an absolute path";

}  // namespace

const nlohmann::json& Arguments::field(const char* name, std::string_view expected) const {
    if (!request_.is_object()) {
        throw Error(IMAGE_PARAMETER, "the request must be a JSON object, and " + shown(request_));
    }
    const auto found = request_.find(name);
    if (found == request_.end()) {
        refuse(name, expected, "is missing");
    }
    return *found;
}

image_handle Arguments::handle() const {
    const nlohmann::json& value = field("handle", kHandle);
    const auto* text = value.get_ptr<const std::string*>();
    image_handle handle = 0;
    if (text == nullptr || text->size() != 16) {
        refuse("handle", kHandle, shown(value));
    }
    const char* end = text->data() + text->size();
    if (std::from_chars(text->data(), end, handle, 16).ptr != end) {
        refuse("handle", kHandle, shown(value));
    }
    return handle;
}

std::int32_t Arguments::radius() const {
    using Limits = std::numeric_limits<std::int32_t>;
    const nlohmann::json& value = field("radius", kRadius);
    if (!value.is_number_integer()) {
        refuse("radius", kRadius, shown(value));
    }
    const bool fits = value.is_number_unsigned()
                          ? value.get<std::uint64_t>() <= std::uint64_t{Limits::max()}
                          : value.get<std::int64_t>() >= Limits::min() && value.get<std::int64_t>() <= Limits::max();
    if (!fits) {
        throw Error(IMAGE_PARAMETER,
                    "the radius " + shown(value) + "; it can be 0 to " + std::to_string(IMAGE_MAX_RADIUS));
    }
    return value.get<std::int32_t>();
}

std::string Arguments::path() const {
    const nlohmann::json& value = field("path", kPath);
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || text->front() != '/' || text->find('\0') != std::string::npos) {
        refuse("path", kPath, shown(value));
    }
    return *text;
}

std::string to_text(image_handle handle) {
    std::string digits(16, '0');
    for (std::size_t i = digits.size(); i-- > 0; handle >>= 4) {
        digits[i] = "0123456789abcdef"[handle & 0xF];
    }
    return digits;
}
