// Text as the characters that it is made of.
#pragma once

#include <cstddef>
#include <string_view>

namespace bulkhead::detail {

struct Utf8Character {
    std::size_t size = 0;  // in bytes; 0: the text does not begin with UTF-8
    char32_t code = 0;
};

// The first one of a text that is not empty. Only the shortest form of a character counts, and no surrogates.
inline Utf8Character first_character(std::string_view text) noexcept {
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
        return {1, lead};
    }
    const std::size_t size = lead < 0xC2 ? 0U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : lead < 0xF5 ? 4U : 0U;
    if (size == 0 || size > text.size()) {
        return {};
    }
    char32_t code = lead & (0x7FU >> size);
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xC0U) != 0x80) {
            return {};
        }
        code = code << 6 | (byte(at) & 0x3FU);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool none = (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF;
    return overlong || none ? Utf8Character() : Utf8Character{size, code};
}

inline bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t size = first_character(text).size;
        if (size == 0) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

}  // namespace bulkhead::detail
