#include "wording.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace bulkhead::demo {

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t digits = 3; digits < text.size(); digits += 4) {
        text.insert(text.size() - digits, ",");
    }
    return text;
}

std::string fixed(double number, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, number);
    return text.data();
}

std::string duration_text(std::chrono::nanoseconds duration) {
    struct Unit {
        double nanoseconds;
        const char* name;
    };
    constexpr std::array units = {Unit{1e3, " us"}, Unit{1e6, " ms"}, Unit{1e9, " s"}};
    const auto nanoseconds = static_cast<double>(duration.count());
    std::size_t index = 0;
    while (index + 1 < units.size() && nanoseconds >= 999.5 * units.at(index).nanoseconds) {
        ++index;
    }
    const double value = nanoseconds / units.at(index).nanoseconds;
    const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fixed(value, digits) + units.at(index).name;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 3> binary = {" GiB", " MiB", " KiB"};
    for (std::size_t index = 0; index < binary.size(); ++index) {
        const std::uint64_t unit = std::uint64_t{1} << (30 - 10 * index);
        if (bytes >= unit && bytes % unit == 0) {
            return std::to_string(bytes / unit) + std::string(binary.at(index));
        }
    }
    if (bytes < 10'000) {
        return std::to_string(bytes) + " bytes";
    }
    return fixed(static_cast<double>(bytes) / 1e6, 1) + " MB";
}

}  // namespace bulkhead::demo
