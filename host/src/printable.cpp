#include "bulkhead/host/printable.hpp"

#include "utf8.hpp"

namespace bulkhead {
namespace {

bool is_control(char32_t code) noexcept { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

// Arabic letter mark; marks, line and paragraph ends, embeddings and overrides; isolates.
bool turns_direction(char32_t code) noexcept {
    return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, char instead, std::string_view kept) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const auto [size, code] = detail::first_character(text);
        const bool wanted = size == 1 && kept.find(text.front()) != std::string_view::npos;
        if (wanted || (size > 0 && !is_control(code) && !turns_direction(code))) {
            shown.append(text.substr(0, size));
        } else {
            shown += instead;
        }
        text.remove_prefix(size > 0 ? size : 1);
    }
    return shown;
}

}  // namespace bulkhead
