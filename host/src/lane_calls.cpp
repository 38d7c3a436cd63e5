// From a caller's arguments to a published request.
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstring>
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
    if (head - serving_->begun < most) {
        return true;
    }
    // Each request that has not begun is a call in flight.
    if (head - refresh_begun(*serving_) > calls_.in_use()) {
        accuse(*serving_, "answers to calls that it says it has not begun");
    }
    return head - serving_->begun < most;
}

// Why no call can be made now, if so.
std::optional<ErrorCode> Lane::closed(const SessionRef& session) const {
    if (state_ == State::stopped) {
        return ErrorCode::stopped;
    }
    if (session && session->life && (!serving_ || serving_->life != session->life)) {
        return ErrorCode::session_lost;
    }
    return state_ == State::failed ? std::optional(ErrorCode::unavailable) : std::nullopt;
}

bool Lane::lost(const SessionPin& session) {
    const Lock lock(mutex_);
    return session.life && (!serving_ || serving_->dead || serving_->life != session.life);
}

Lane::Admission Lane::admit(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                            const CallOptions& options) {
    const std::size_t inline_room = options.trace ? transport::kTracedInlineCapacity : transport::kInlineCapacity;
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
    if (const auto why = closed(submission.session)) {
        return {nullptr, why};
    }
    PendingCall* call = try_once();
    if (call == nullptr && options.when_full == WhenFull::wait) {
        ++room_waiters_;
        const auto changed = [&] { return closed(submission.session) || (call = try_once()) != nullptr; };
        if (submission.deadline == transport::kNoDeadline) {
            room_.wait(lock, options.stop, changed);
        } else {
            room_.wait_until(lock, options.stop, submission.deadline, changed);
        }
        --room_waiters_;
        if (call == nullptr) {
            const auto why = closed(submission.session);
            return {nullptr, why ? *why : options.stop.stop_requested() ? ErrorCode::cancelled : ErrorCode::overloaded};
        }
    }
    return call != nullptr ? Admission{call, std::nullopt} : Admission{nullptr, ErrorCode::overloaded};
}

// Copies the request into its place; a large one without holding the lock: the lane may close meanwhile.
void Lane::copy_request(Lock& lock, PendingCall& call, std::span<const std::byte> request) {
    if (!call.block) {
        if (!request.empty()) {
            std::memcpy(call.message.inline_bytes, request.data(), request.size());
        }
        return;
    }
    call.message.set_slab_offset(*call.block);
    lock.unlock();
    std::memcpy(outbox_.block(*call.block), request.data(), request.size());
    lock.lock();
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

// Counts the call and says at once what can be said without room. Under the mutex.
std::optional<ErrorCode> Lane::examine(std::string_view method, std::size_t request_size, const CallOptions& options,
                                       Submission& submission) {
    ++stats_.calls;
    const auto number = release_->method_numbers.find(method);
    if (number == release_->method_numbers.end()) {
        return ErrorCode::no_such_method;
    }
    if (request_size > release_->geometry.payload_limit) {
        return ErrorCode::too_large;
    }
    submission.method = number->second;
    submission.begin = std::chrono::steady_clock::now();
    submission.deadline =
        deadline_after(submission.begin, options.timeout.value_or(release_->manifest.supervision.call));
    return submission.deadline <= submission.begin ? std::optional(ErrorCode::timed_out) : std::nullopt;
}

// Finds room, and puts the request where the worker will read it. The call is ready to be published.
Lane::Admission Lane::place(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                            const CallOptions& options, Waiter& waiter) {
    const Admission admission = admit(lock, submission, request, options);
    if (admission.call == nullptr) {
        return admission;
    }
    PendingCall& call = *admission.call;
    call.begin = submission.begin;
    call.deadline = submission.deadline;
    call.idempotent = release_->methods[submission.method].idempotent;
    call.waiter = &waiter;
    call.session = submission.session;
    transport::Message& message = call.message;
    message.call_id = call.id;
    message.kind = static_cast<std::uint8_t>(transport::Kind::call);
    message.flags = 0;
    message.method = submission.method;
    message.length = static_cast<std::uint32_t>(request.size());
    message.status = 0;
    message.deadline = wire_deadline(submission.deadline);
    if (options.trace) {
        message.flags |= transport::kSlotTraced;
        std::memcpy(message.inline_bytes + transport::kTracedInlineCapacity, options.trace->data(),
                    options.trace->size());
    }
    copy_request(lock, call, request);
    if (const auto why = call.block ? closed(submission.session) : std::nullopt) {
        outbox_.free(*call.block);
        calls_.give_back(call);
        announce_room();
        return {nullptr, why};
    }
    return admission;
}

result<Bytes> Lane::call(const SessionRef& session, std::string_view method, std::span<const std::byte> request,
                         const CallOptions& options) {
    SyncWaiter waiter;
    Completions done;
    std::uint64_t id = 0;
    {
        Lock lock(mutex_);
        Submission submission;
        submission.session = session;
        if (const auto refused = examine(method, request.size(), options, submission)) {
            return refusal(lock, submission, method, *refused, request.size());
        }
        const Admission admission = place(lock, submission, request, options, waiter);
        if (admission.call == nullptr) {
            return refusal(lock, submission, method, *admission.refused, request.size());
        }
        id = admission.call->id;
        enlist(waiter);
        publish(*admission.call);
        if (options.stop.stop_possible()) {
            lock.unlock();  // the callback may run at once
            const std::stop_callback give_up(options.stop, [this, id] { cancel(id); });
            lock.lock();
            await(lock, waiter, id, submission.deadline, done);
            lock.unlock();  // its destructor waits for one that is running
        } else {
            await(lock, waiter, id, submission.deadline, done);
        }
    }
    done.run(*this);
    return conclude(id, method, waiter.outcome);
}

}  // namespace bulkhead::detail
