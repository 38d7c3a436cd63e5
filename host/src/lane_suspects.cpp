// Requests that kill workers: which one it was, and what becomes of it.
#include <algorithm>
#include <bulkhead/transport/checkpoint.hpp>
#include <chrono>
#include <csignal>

#include "lane.hpp"

namespace bulkhead::detail {

RequestKey Lane::key_of(const Submission& submission, std::span<const std::byte> request) const {
    return {transport::checksum_of(request, runtime_->run), request.size(), submission.method};
}

RequestKey Lane::key_of(const PendingCall& call) const {
    const std::byte* const bytes = call.block ? outbox_.block(*call.block) : call.message.inline_bytes;
    return {transport::checksum_of({bytes, call.message.length}, runtime_->run), call.message.length,
            call.message.method};
}

bool Lane::is_quarantined(const Submission& submission, std::span<const std::byte> request) {
    return quarantine_.refuses_any() &&
           quarantine_.is_quarantined(key_of(submission, request), std::chrono::steady_clock::now());
}

// Whether what the worker was running may be the reason. A kill from outside says nothing about it.
bool Lane::is_blamed(const Report& report) const {
    // What all calls of a life took is not this one's, unless it took half of it.
    if (report.signal == SIGXCPU &&
        report.running_age < std::chrono::seconds(release_->manifest.process.cpu_seconds) / 2) {
        return false;
    }
    switch (report.cause) {
        case Cause::crash:
        case Cause::abort:
        case Cause::exit:
        case Cause::hang:
        case Cause::protocol_violation:
        case Cause::out_of_memory:
        case Cause::policy_violation:
            return true;
        case Cause::killed:
        case Cause::start_failure:
        case Cause::host_request:
        case Cause::unknown:
            break;
    }
    return false;
}

// True: it is refused from now on.
bool Lane::charge(const PendingCall& call, transport::SteadyTime now) {
    const std::uint32_t most = release_->manifest.supervision.quarantine.deaths;
    return most != 0 && quarantine_.charge(key_of(call), now) >= most;
}

// The call that a death is charged to; null: it could be one of several, or none.
PendingCall* Lane::culprit(const WorkerProcess& dead) {
    if (PendingCall* const claimed = claimed_call(dead)) {
        return claimed;
    }
    const std::vector<PendingCall*> begun = begun_calls(dead);
    if (begun.size() == 1) {
        return begun.front();
    }
    const auto suspect =
        std::find_if(begun.begin(), begun.end(), [](const PendingCall* call) { return call->suspect; });
    return suspect == begun.end() ? nullptr : *suspect;
}

// Suspects run one at a time, so that the next death says which one it is.
void Lane::publish_next_suspect() {
    while (!suspects_.empty()) {
        PendingCall* const call = calls_.find(suspects_.front());
        suspects_.pop_front();
        if (call != nullptr && call->state == PendingCall::State::open && call->position == transport::kNoPosition) {
            publish(*call);
            announce();
            return;
        }
    }
}

}  // namespace bulkhead::detail
