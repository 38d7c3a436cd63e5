// From a call's outcome to what its caller sees.
#include <new>
#include <string>

#include "lane.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {

result<Bytes> Lane::conclude(std::uint64_t call_id, std::string_view method, Outcome& outcome) {
    if (!outcome.replied) {
        return error_of(method, outcome);
    }
    const transport::Message& message = outcome.message;
    const std::optional<ErrorCode> failure = outcome.error();
    if (!failure && !message.in_slab()) {
        return result<Bytes>(boost::system::in_place_value, std::span(message.inline_bytes, message.length));
    }
    Bytes bytes;
    if (!message.in_slab()) {
        bytes = Bytes(std::span(message.inline_bytes, message.length));
    } else {
        bool copied = true;
        try {
            bytes = bytes_for_reply(message.length);
            copied = outcome.worker->read_slab(message.slab_offset(), {bytes.data(), bytes.size()});
        } catch (const std::bad_alloc&) {
            copied = false;
        }
        const Lock lock(mutex_);
        let_go(*outcome.worker, call_id);
        if (!copied) {
            --(failure ? stats_.errors[static_cast<std::size_t>(*failure)] : stats_.succeeded);
            ++stats_.errors[static_cast<std::size_t>(ErrorCode::overloaded)];
            outcome.code = ErrorCode::overloaded;
            outcome.effect = Effect::unknown;
            return error_of(method, outcome, "was answered, but the host has no memory for the answer");
        }
    }
    if (!failure) {
        return bytes;
    }
    outcome.effect = Effect::unknown;
    outcome.code = *failure;
    Error error = error_of(method, outcome, plain_text(bytes.text()));
    error.plugin_number = message.status;
    return error;
}

Error Lane::refusal(const Lock&, const Submission& submission, std::string_view method, ErrorCode code,
                    std::size_t request_size) {
    ++stats_.errors[static_cast<std::size_t>(code)];
    Outcome outcome;
    outcome.code = code;
    outcome.report = code == ErrorCode::unavailable ? last_report_ : nullptr;
    if (code == ErrorCode::unavailable) {
        outcome.next_try = next_try();
    }
    std::string detail;
    if (code == ErrorCode::session_lost) {
        outcome.report = submission.session->life->report;
    } else if (code == ErrorCode::unavailable) {
        detail = failure_;
    } else if (code == ErrorCode::too_large) {
        detail = "its request of " + std::to_string(request_size) + " bytes is over limits.payload of " +
                 std::to_string(release_->geometry.payload_limit);
    }
    return error_of(method, outcome, detail);
}

Error Lane::error_of(std::string_view method, const Outcome& outcome, std::string_view detail) const {
    const Manifest& manifest = release_->manifest;
    const std::string call = "plugin " + manifest.name + ": call '" + std::string(method) + "' ";
    std::string text;
    switch (outcome.code) {
        case ErrorCode::plugin_failed:
            text = call + "failed" + (detail.empty() ? "" : ": ") + std::string(detail);
            break;
        case ErrorCode::crashed:
        case ErrorCode::protocol_violation:
            text = call + "was lost: its worker " + (outcome.report ? outcome.report->clause() : "died");
            break;
        case ErrorCode::timed_out:
            text = call + "did not end by its deadline";
            break;
        case ErrorCode::cancelled:
            text = call + "was cancelled by its caller";
            break;
        case ErrorCode::overloaded:
            text = call + (!detail.empty()
                               ? std::string(detail)
                               : "was not accepted: as many calls or bytes are in flight as the manifest allows "
                                 "(limits.in_flight " +
                                     std::to_string(manifest.channel.in_flight) + ", limits.in_flight_bytes " +
                                     std::to_string(release_->geometry.request_slab_size) + ")");
            break;
        case ErrorCode::unavailable:
            text = "plugin " + manifest.name + " is not available for call '" + std::string(method) + "'" +
                   (!detail.empty()  ? ": " + std::string(detail)
                    : outcome.report ? ": its worker " + outcome.report->clause()
                                     : "") +
                   (outcome.next_try ? "; it is tried again in " + rest_of(*outcome.next_try) : "");
            break;
        case ErrorCode::quarantined:
            text = call + "was refused: workers died of it" +
                   (outcome.report ? ", the last one " + outcome.report->clause() : "");
            break;
        case ErrorCode::too_large:
            text = call + "is too large: " +
                   (detail.empty()
                        ? "its reply is over limits.payload of " + std::to_string(release_->geometry.payload_limit)
                        : std::string(detail));
            break;
        case ErrorCode::session_lost:
            text = call + (outcome.effect == Effect::none ? "was not made" : "was begun by another worker") +
                   ": the worker of its session " + (outcome.report ? outcome.report->clause() : "died") +
                   "; open a new session";
            break;
        case ErrorCode::no_such_method:
            text = "plugin " + manifest.name + " has no method '" + std::string(method) + "'";
            break;
        default:
            text = call + "ended because the plugin was stopped";
            break;
    }
    return Error{outcome.code, outcome.effect, 0, std::move(text), outcome.report, outcome.next_try};
}

}  // namespace bulkhead::detail
