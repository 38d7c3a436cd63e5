// Text from outside, fit to stand in a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bulkhead::detail {

// At most `most` bytes of the text, with "..." where it was cut; everything but printable ASCII becomes '?'.
inline std::string shown_text(std::string_view text, std::size_t most = 80) {
    std::string shown(text.substr(0, most));
    for (char& c : shown) {
        c = c >= 0x20 && c < 0x7F ? c : '?';
    }
    return text.size() > most ? shown + "..." : shown;
}

}  // namespace bulkhead::detail
