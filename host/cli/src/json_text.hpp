// What the host says, as JSON for programs.
#pragma once

#include <bulkhead/host/error.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace bulkhead::cli {

// {"outcome", "effect", "message", "number", "report"}; number and report only where there are some.
nlohmann::json json_of(const Error& error);

// One line, or indented; bytes that are no UTF-8 are replaced.
std::string json_line(const nlohmann::json& json);
std::string json_text(const nlohmann::json& json);

// {"json": ...} when the bytes are JSON, else {"text": ...} when they are UTF-8, else {"base64": ...}.
nlohmann::json json_of_bytes(std::string_view bytes);

}  // namespace bulkhead::cli
