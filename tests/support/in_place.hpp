// Calls in place, of the plugin `overwriter`: `next` answers with each byte plus one.
#pragma once

#include <doctest/doctest.h>

#include <bulkhead/host/session.hpp>
#include <cstring>
#include <string>

#include "support/outcomes.hpp"
#include "support/service.hpp"
#include "support/until.hpp"

namespace bulkhead::tests {

inline constexpr std::size_t kLimit = std::size_t{1} << 20;

inline nlohmann::json roomy() { return merged(kEndlessRestarts, {{"limits", {{"payload", kLimit}}}}); }

inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size; ++at) {
        text[at] = static_cast<char>('a' + at % 23);
    }
    return text;
}

// To pattern(size).
inline std::string answer_to(std::size_t size) {
    std::string text = pattern(size);
    for (char& letter : text) {
        ++letter;
    }
    return text;
}

inline std::string text_of(const UntrustedView& view) {
    return {reinterpret_cast<const char*>(view.bytes().data()), view.size()};
}

// pattern(size) for `next`.
template <typename PluginOrSession>
RequestBuffer prepared(const PluginOrSession& target, std::size_t size) {
    auto request = target.prepare("next", size);
    REQUIRE_MESSAGE(request.has_value(), request.error().message);
    std::memcpy(request->bytes().data(), pattern(size).data(), size);
    return *std::move(request);
}

}  // namespace bulkhead::tests
