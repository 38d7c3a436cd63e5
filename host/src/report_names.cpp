#include "report_names.hpp"

namespace bulkhead::detail {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool consists_of(std::string_view text, std::string_view characters) noexcept {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

// Cuts off what follows the last '-'.
std::string_view take_last(std::string_view& text) noexcept {
    const std::size_t dash = text.rfind('-');
    if (dash == std::string_view::npos) {
        return {};
    }
    const std::string_view last = text.substr(dash + 1);
    text = text.substr(0, dash);
    return last;
}

}  // namespace

bool is_report_id(std::string_view id) noexcept {
    constexpr std::size_t kLongest = 128;
    if (id.size() > kLongest) {
        return false;
    }
    const std::string_view mark = take_last(id);
    const std::string_view life = take_last(id);
    return mark.size() == 8 && consists_of(mark, "0123456789abcdef") && consists_of(life, kDigits) &&
           consists_of(id, kNameCharacters);
}

std::optional<std::string> id_of_file(std::string_view name) {
    for (const std::string_view ending : {kReportEnding, kReproEnding, kUnfinishedEnding}) {
        if (name.ends_with(ending) && is_report_id(name.substr(0, name.size() - ending.size()))) {
            return std::string(name.substr(0, name.size() - ending.size()));
        }
    }
    return std::nullopt;
}

}  // namespace bulkhead::detail
