#include "answer.hpp"

#include <bulkhead/host/report.hpp>
#include <nlohmann/json.hpp>

#include "image_errors.hpp"

namespace bulkhead::server {
namespace {

constexpr std::chrono::seconds kComeBack{1};

http::status status_of_plugin_number(std::int32_t number) {
    switch (static_cast<ImageError>(number)) {
        case ImageError::parameter:
        case ImageError::damaged:
            return http::status::unprocessable_entity;
        case ImageError::format:
            return http::status::unsupported_media_type;
        case ImageError::too_large:
            return http::status::payload_too_large;
        case ImageError::memory:
            return http::status::service_unavailable;
        case ImageError::cancelled:
            return http::status::gateway_timeout;
        case ImageError::io:
        case ImageError::handle:
        case ImageError::disabled:
            break;
    }
    return http::status::internal_server_error;
}

http::status status_of(const Error& error) {
    switch (error.code) {
        case ErrorCode::plugin_failed:
            return status_of_plugin_number(error.plugin_number);
        case ErrorCode::timed_out:
            return http::status::gateway_timeout;
        case ErrorCode::too_large:
            return http::status::payload_too_large;
        case ErrorCode::crashed:
        case ErrorCode::protocol_violation:
        case ErrorCode::session_lost:
        case ErrorCode::quarantined:
        case ErrorCode::overloaded:
        case ErrorCode::unavailable:
        case ErrorCode::stopped:
        case ErrorCode::cancelled:
            return http::status::service_unavailable;
        default:
            return http::status::internal_server_error;
    }
}

std::string error_text(std::string_view name, const std::string& sentence, const std::string& report) {
    nlohmann::json body = {{"error", name}, {"message", sentence}};
    if (!report.empty()) {
        body["report"] = report;
    }
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

Answer refusal(http::status status, std::string_view name, const std::string& sentence) {
    Answer answer;
    answer.status = status;
    answer.text = error_text(name, sentence, "");
    return answer;
}

Answer overload(const std::string& sentence) {
    Answer answer = refusal(http::status::service_unavailable, "overloaded", sentence);
    answer.retry_after = kComeBack;
    return answer;
}

Answer answer_to(const Error& error) {
    Answer answer;
    answer.status = status_of(error);
    if (error.report) {
        answer.report = error.report->id;
    }
    answer.text = error_text(to_string(error.code), error.message, answer.report);
    if (answer.status == http::status::service_unavailable) {
        answer.retry_after = kComeBack;
    }
    return answer;
}

}  // namespace bulkhead::server
