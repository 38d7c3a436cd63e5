// Reads JSON of our own making back; it may have been changed since, so nothing is taken for granted.
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bulkhead::detail {

// Says which member cannot be. Caught by whoever began to read.
class UnreadableMember : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// The members of one object. A reader leaves its target alone when the member is missing, and throws UnreadableMember
// when it is of another type or out of range.
class JsonMembers {
  public:
    JsonMembers(const nlohmann::json& object, std::string name) : object_(object), name_(std::move(name)) {
        if (!object_.is_object()) {
            throw UnreadableMember((name_.empty() ? "it" : "'" + name_ + "'") + " is no JSON object");
        }
    }

    const nlohmann::json* find(const char* member) const {
        const auto found = object_.find(member);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    bool has(const char* member) const { return find(member) != nullptr; }
    void require(const char* member) const {
        if (!has(member)) {
            refuse(member, "is missing");
        }
    }
    JsonMembers section(const char* member) const { return {object_.at(member), name_of(member)}; }
    std::string name_of(const char* member) const { return name_.empty() ? member : name_ + "." + member; }
    [[noreturn]] void refuse(const char* member, const std::string& why) const {
        throw UnreadableMember("its member '" + name_of(member) + "' " + why);
    }

    void read(const char* member, std::string& target) const {
        if (const nlohmann::json* value = typed(member, &nlohmann::json::is_string, "is no text")) {
            target = value->get<std::string>();
        }
    }
    void read(const char* member, bool& target) const {
        if (const nlohmann::json* value = typed(member, &nlohmann::json::is_boolean, "is neither true nor false")) {
            target = value->get<bool>();
        }
    }
    template <std::integral T>
    void read(const char* member, T& target) const {
        const nlohmann::json* value = typed(member, &nlohmann::json::is_number_integer, "is no whole number");
        if (value == nullptr) {
            return;
        }
        const bool fits = value->is_number_unsigned() ? std::in_range<T>(value->get<std::uint64_t>())
                                                      : std::in_range<T>(value->get<std::int64_t>());
        if (!fits) {
            refuse(member, "is out of range");
        }
        target = value->get<T>();
    }
    // In milliseconds.
    template <typename Rep, typename Period>
    void read(const char* member, std::chrono::duration<Rep, Period>& target) const {
        const nlohmann::json* value = typed(member, &nlohmann::json::is_number, "is no number");
        if (value == nullptr) {
            return;
        }
        const double nanoseconds = value->get<double>() * 1e6;
        if (!(std::abs(nanoseconds) < 9e18)) {
            refuse(member, "is out of range");
        }
        target = std::chrono::duration_cast<std::chrono::duration<Rep, Period>>(
            std::chrono::nanoseconds(std::llround(nanoseconds)));
    }
    // In hexadecimal digits.
    void read(const char* member, std::optional<std::array<std::uint8_t, 16>>& target) const {
        std::string digits;
        read(member, digits);
        if (!has(member)) {
            return;
        }
        std::array<std::uint8_t, 16> bytes{};
        if (digits.size() != 2 * bytes.size() || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
            refuse(member, "is not 32 hexadecimal digits");
        }
        for (std::size_t index = 0; index < bytes.size(); ++index) {
            bytes[index] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * index, 2), nullptr, 16));
        }
        target = bytes;
    }
    // Calls `read_one` with each element as an object.
    template <typename ReadOne>
    void each(const char* member, const ReadOne& read_one) const {
        if (const nlohmann::json* value = typed(member, &nlohmann::json::is_array, "is no list")) {
            for (const nlohmann::json& element : *value) {
                read_one(JsonMembers(element, name_of(member)));
            }
        }
    }

  private:
    using Test = bool (nlohmann::json::*)() const noexcept;

    const nlohmann::json* typed(const char* member, Test test, const char* complaint) const {
        const nlohmann::json* value = find(member);
        if (value != nullptr && !(value->*test)()) {
            refuse(member, complaint);
        }
        return value;
    }

    const nlohmann::json& object_;
    std::string name_;
};

inline double json_milliseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

inline std::string json_digits(const std::array<std::uint8_t, 16>& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

}  // namespace bulkhead::detail
