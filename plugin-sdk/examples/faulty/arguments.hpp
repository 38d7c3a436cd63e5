// What the request of a faulty method says.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "bulkhead/plugin/error.hpp"

namespace faulty {

// The whole of `text` as a decimal number; an Error says which method wanted one.
template <class Number>
Number parse_number(std::string_view text, const char* method) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw bulkhead::plugin::Error(2, std::string(method) + " needs a number, not \"" + std::string(text) + "\"");
    }
    return number;
}

// "word the rest" as its two parts.
struct WordAndRest {
    explicit WordAndRest(std::string_view text)
        : word(text.substr(0, text.find(' '))),
          rest(word.size() == text.size() ? std::string_view() : text.substr(word.size() + 1)) {}
    std::string_view word;
    std::string_view rest;
};

}  // namespace faulty
