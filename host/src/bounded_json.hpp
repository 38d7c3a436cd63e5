// JSON from outside: limited in depth, and an error is a value.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::detail {

inline constexpr int kMaxJsonDepth = 64;

// Parses the text. Empty: `cause` says why.
std::optional<nlohmann::json> parse_bounded_json(std::string_view text, std::string& cause);

}  // namespace bulkhead::detail
