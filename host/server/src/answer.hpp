// What a client is told.
#pragma once

#include <boost/beast/http/status.hpp>
#include <bulkhead/host/bytes.hpp>
#include <bulkhead/host/error.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::server {

namespace http = boost::beast::http;

// Owns its body. Move-only, because a picture may be large.
struct Answer {
    http::status status = http::status::ok;
    std::string_view content_type = "application/json";
    std::string text;
    Bytes bytes;         // instead of the text, when the content is a picture
    std::string allow;   // for method_not_allowed
    std::string report;  // id of the report on the death that is to blame
    std::optional<std::chrono::seconds> retry_after;

    std::string_view body() const { return bytes.empty() ? std::string_view(text) : bytes.text(); }
};

// An error of the server's own: {"error": NAME, "message": SENTENCE}.
Answer refusal(http::status status, std::string_view name, const std::string& sentence);
// The same, for one who may well come back.
Answer overload(const std::string& sentence);

// What an error of the image plugin is to a client: its own fault (4xx), or not (5xx).
Answer answer_to(const Error& error);

}  // namespace bulkhead::server
