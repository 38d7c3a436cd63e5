// From a caller's arguments to a published request, and from an outcome to the caller's result.
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <stop_token>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

SteadyTime deadline_after(SteadyTime begin, std::chrono::nanoseconds timeout) {
    constexpr std::chrono::nanoseconds kForEver = std::chrono::hours(24 * 365 * 100);
    return timeout >= kForEver ? transport::kNoDeadline : begin + timeout;
}

std::uint64_t wire_deadline(SteadyTime deadline) {
    return deadline == transport::kNoDeadline ? 0 : static_cast<std::uint64_t>(deadline.time_since_epoch().count());
}

}  // namespace

bool Lane::has_ring_room() {
    // Half of the ring stays free for calls that are published again after a death.
    const std::uint64_t most = release_->geometry.request_slots - release_->geometry.call_slots;
    const std::uint64_t head = outbox_.requests().head();
    if (!serving_) {
        return head - served_from_ < most;
    }
    return head - serving_->begun < most || head - refresh_begun(*serving_) < most;
}

Lane::Admission Lane::admit(Lock& lock, std::span<const std::byte> request, SteadyTime deadline,
                            const CallOptions& options) {
    const std::size_t inline_room =
        options.trace ? transport::kTracedInlineCapacity : transport::kInlineCapacity;
    const auto try_once = [&]() -> PendingCall* {
        PendingCall* call = has_ring_room() ? calls_.acquire() : nullptr;
        if (call != nullptr && request.size() > inline_room) {
            call->block = outbox_.allocate(request.size());
            if (!call->block) {
                calls_.give_back(*call);
                return nullptr;
            }
        }
        return call;
    };
    const auto closed = [&]() -> std::optional<ErrorCode> {
        if (state_ == State::stopped) {
            return ErrorCode::stopped;
        }
        return state_ == State::failed ? std::optional(ErrorCode::unavailable) : std::nullopt;
    };
    if (const auto why = closed()) {
        return {nullptr, why};
    }
    PendingCall* call = try_once();
    if (call == nullptr && options.when_full == WhenFull::wait) {
        ++room_waiters_;
        const auto changed = [&] { return closed().has_value() || (call = try_once()) != nullptr; };
        if (deadline == transport::kNoDeadline) {
            room_.wait(lock, options.stop, changed);
        } else {
            room_.wait_until(lock, options.stop, deadline, changed);
        }
        --room_waiters_;
        if (call == nullptr) {
            const auto why = closed();
            return {nullptr, why                             ? *why
                             : options.stop.stop_requested() ? ErrorCode::cancelled
                                                             : ErrorCode::overloaded};
        }
    }
    return call != nullptr ? Admission{call, std::nullopt} : Admission{nullptr, ErrorCode::overloaded};
}

// Copies the request into its place; a large one without holding the lock. False: the lane closed meanwhile.
bool Lane::copy_request(Lock& lock, PendingCall& call, std::span<const std::byte> request) {
    if (!call.block) {
        if (!request.empty()) {
            std::memcpy(call.message.inline_bytes, request.data(), request.size());
        }
        return true;
    }
    call.message.set_slab_offset(*call.block);
    lock.unlock();
    std::memcpy(outbox_.block(*call.block), request.data(), request.size());
    lock.lock();
    return state_ == State::starting || state_ == State::serving;
}

void Lane::publish(PendingCall& call) {
    call.message.incarnation = serving_ ? serving_->incarnation : 0;
    call.position = outbox_.requests().publish(call.message);
    call.state = PendingCall::State::open;
    transport::full_fence();
    if (serving_ && serving_->view.header().parked.load(std::memory_order_relaxed) != 0) {
        transport::WorkerCell& cell = outbox_.worker_cell(serving_->cell);
        runtime_->permits.claim(cell.spin_permit);
        transport::ring_bell(cell.bell);
    }
}

Lane::Admission Lane::submit(Lock& lock, std::string_view method, std::span<const std::byte> request,
                             const CallOptions& options, Waiter& waiter) {
    ++stats_.calls;
    const MethodDescription* description = release_->find_method(method);
    if (description == nullptr) {
        return {nullptr, ErrorCode::no_such_method};
    }
    if (request.size() > release_->geometry.payload_limit) {
        return {nullptr, ErrorCode::too_large};
    }
    const SteadyTime begin = std::chrono::steady_clock::now();
    const SteadyTime deadline =
        deadline_after(begin, options.timeout.value_or(release_->manifest.supervision.call));
    if (deadline <= begin) {
        return {nullptr, ErrorCode::timed_out};
    }
    const Admission admission = admit(lock, request, deadline, options);
    if (admission.call == nullptr) {
        return admission;
    }
    PendingCall& call = *admission.call;
    call.begin = begin;
    call.deadline = deadline;
    call.idempotent = description->idempotent;
    call.waiter = &waiter;
    transport::Message& message = call.message;
    message.call_id = call.id;
    message.kind = static_cast<std::uint8_t>(transport::Kind::call);
    message.flags = 0;
    message.method = static_cast<std::uint16_t>(description - release_->methods.data());
    message.length = static_cast<std::uint32_t>(request.size());
    message.status = 0;
    message.deadline = wire_deadline(deadline);
    if (options.trace) {
        message.flags |= transport::kSlotTraced;
        std::memcpy(message.inline_bytes + transport::kTracedInlineCapacity, options.trace->data(), options.trace->size());
    }
    if (!copy_request(lock, call, request)) {
        const ErrorCode why = state_ == State::stopped ? ErrorCode::stopped : ErrorCode::unavailable;
        outbox_.free(*call.block);
        calls_.give_back(call);
        return {nullptr, why};
    }
    return admission;
}

result<Bytes> Lane::call(std::string_view method, std::span<const std::byte> request, const CallOptions& options) {
    SyncWaiter waiter;
    Completions done;
    std::uint64_t id = 0;
    {
        Lock lock(mutex_);
        const Admission admission = submit(lock, method, request, options, waiter);
        if (admission.call == nullptr) {
            return refusal(lock, method, *admission.refused, request.size());
        }
        id = admission.call->id;
        const SteadyTime deadline = admission.call->deadline;
        enlist(waiter);
        publish(*admission.call);
        if (options.stop.stop_possible()) {
            lock.unlock();  // the callback may run at once
            const std::stop_callback give_up(options.stop, [this, id] { cancel(id); });
            lock.lock();
            await(lock, waiter, id, deadline, done);
            lock.unlock();  // its destructor waits for one that is running
        } else {
            await(lock, waiter, id, deadline, done);
        }
    }
    done.run(*this);
    return conclude(id, method, waiter.outcome);
}

void Lane::start_call(std::string_view method, std::span<const std::byte> request, const CallOptions& options,
                      std::unique_ptr<Completion> completion, const std::shared_ptr<CancelTicket>& ticket) {
    auto waiter = std::make_unique<AsyncWaiter>();
    waiter->asynchronous = true;
    waiter->method = method;
    std::uint64_t id = 0;
    std::optional<Error> refused;
    {
        Lock lock(mutex_);
        CallOptions chosen = options;
        chosen.when_full = WhenFull::fail;  // nothing here may block
        const Admission admission = submit(lock, method, request, chosen, *waiter);
        if (admission.call == nullptr) {
            refused = refusal(lock, method, *admission.refused, request.size());
        } else {
            waiter->completion = std::move(completion);
            waiter->call_id = id = admission.call->id;
            if (reader_ == nullptr) {
                set_host_waits(transport::kHostPolls);  // before the reply can be there
            }
            watch_deadline(admission.call->deadline);
            publish(*admission.call);
            static_cast<void>(waiter.release());  // the pending call owns it
        }
    }
    if (refused) {
        completion->complete(*std::move(refused), true);
        return;
    }
    ticket->attach(weak_from_this(), id);
}

void Lane::cancel(std::uint64_t call_id) {
    Completions done;
    {
        const Lock lock(mutex_);
        PendingCall* call = calls_.find(call_id);
        if (call == nullptr || call->state != PendingCall::State::open) {
            return;
        }
        expire(*call, ErrorCode::cancelled, done);
        wake_reader();
    }
    done.run(*this);
}

result<Bytes> Lane::conclude(std::uint64_t call_id, std::string_view method, Outcome& outcome) {
    if (!outcome.replied) {
        return error_of(method, outcome);
    }
    const transport::Message& message = outcome.message;
    Bytes bytes;
    if (!message.in_slab()) {
        bytes = Bytes(std::span(message.inline_bytes, message.length));
    } else {
        bool copied = true;
        try {
            bytes = Bytes::uninitialized(message.length);
            std::memcpy(bytes.data(), outcome.worker->view.block(message.slab_offset()), message.length);
        } catch (const std::bad_alloc&) {
            copied = false;
        }
        const Lock lock(mutex_);
        release_reply(*outcome.worker, call_id);
        if (PendingCall* call = calls_.find(call_id)) {
            call->held = false;
            maybe_free(*call);
        }
        if (!copied) {
            outcome.code = ErrorCode::overloaded;
            outcome.effect = Effect::unknown;
            return error_of(method, outcome, "the host has no memory for its reply");
        }
    }
    if (static_cast<transport::Kind>(message.kind) == transport::Kind::reply) {
        return bytes;
    }
    outcome.effect = Effect::unknown;
    outcome.code = static_cast<transport::Kind>(message.kind) == transport::Kind::plugin_error ? ErrorCode::plugin_failed
                                                                                               : ErrorCode::too_large;
    Error error = error_of(method, outcome, bytes.text());
    error.plugin_number = message.status;
    return error;
}

Error Lane::refusal(const Lock&, std::string_view method, ErrorCode code, std::size_t request_size) {
    ++stats_.errors[static_cast<std::size_t>(code)];
    Outcome outcome;
    outcome.code = code;
    outcome.report = code == ErrorCode::unavailable ? last_report_ : nullptr;
    std::string detail;
    if (code == ErrorCode::unavailable) {
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
            text = call + "was not accepted: " +
                   (detail.empty() ? "as many calls or bytes are in flight as the manifest allows (limits.in_flight " +
                                         std::to_string(manifest.channel.in_flight) + ", limits.in_flight_bytes " +
                                         std::to_string(release_->geometry.request_slab_size) + ")"
                                   : std::string(detail));
            break;
        case ErrorCode::unavailable:
            text = "plugin " + manifest.name + " is not available for call '" + std::string(method) + "'" +
                   (detail.empty() ? "" : ": ") + std::string(detail);
            break;
        case ErrorCode::too_large:
            text = call + "is too large: " +
                   (detail.empty() ? "its reply is over limits.payload of " + std::to_string(release_->geometry.payload_limit)
                                   : std::string(detail));
            break;
        case ErrorCode::no_such_method:
            text = "plugin " + manifest.name + " has no method '" + std::string(method) + "'";
            break;
        default:
            text = call + "ended because the plugin was stopped";
            break;
    }
    return Error{outcome.code, outcome.effect, 0, std::move(text), outcome.report};
}

}  // namespace bulkhead::detail
