#include "wording.hpp"

#include <fmt/format.h>

#include <charconv>

namespace bulkhead::cli {

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double seconds = unit == "us" ? 1e-6 : unit == "ms" ? 1e-3 : unit == "s" ? 1.0 : unit == "m" ? 60.0 : 0.0;
    constexpr double kDay = 86'400;
    if (error != std::errc() || !(number * seconds >= 1e-6) || number * seconds > kDay) {
        return std::nullopt;
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(number * seconds * 1e9));
}

std::string shown(std::chrono::nanoseconds duration) {
    const auto nanoseconds = static_cast<double>(duration.count());
    if (nanoseconds < 1e6) {
        return fmt::format("{:.3g} us", nanoseconds / 1e3);
    }
    if (nanoseconds < 1e9) {
        return fmt::format("{:.3g} ms", nanoseconds / 1e6);
    }
    return fmt::format("{:.1f} s", nanoseconds / 1e9);
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@+,";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return quoted + "'";
}

std::string counted(std::size_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace bulkhead::cli
