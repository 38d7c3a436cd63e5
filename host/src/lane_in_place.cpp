// Calls whose request is built in the host outbox, and whose reply is looked at in the worker's.
#include <unistd.h>

#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::Kind;

result<RequestBuffer> Lane::prepare(const SessionRef& session, std::string_view method, std::size_t size,
                                    const CallOptions& options) {
    Lock lock(mutex_);
    Submission submission;
    submission.session = session;
    if (const auto refused = examine(method, std::nullopt, size, options, submission)) {
        return refusal(lock, submission, method, *refused, size);
    }
    // Whether a trace id goes with it is said later.
    const bool needs_block = size > transport::kTracedInlineCapacity;
    const Admission admission = admit(lock, submission, needs_block ? size : 0, options);
    if (admission.call == nullptr) {
        return refusal(lock, submission, method, *admission.refused, size);
    }
    --stats_.calls;  // it becomes one when it is made
    PendingCall& call = *admission.call;
    call.session = session;
    call.message.method = submission.method;
    std::byte* const place = call.block ? outbox_.block(*call.block) : call.message.inline_bytes;
    return RequestBuffer(shared_from_this(), call, {place, size});
}

void Lane::drop(PendingCall& call) {
    if (::getpid() == owner_) {  // a forked child has a copy of what is none of its business
        const Lock lock(mutex_);
        abandon(call);
    }
}

// Nobody publishes it. In state preparing.
void Lane::abandon(PendingCall& call) {
    if (call.block) {
        outbox_.free(*call.block);
    }
    calls_.give_back(call);
    announce_room();
}

// Makes the call that was prepared. Uses `request` up, whatever becomes of it.
std::optional<Error> Lane::perform(const SessionRef& session, RequestBuffer& request, const CallOptions& options,
                                   SyncWaiter& waiter, std::uint64_t& id, std::string& method) {
    if (request.lane_.get() != this || request.call_ == nullptr || request.call_->session != session) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0,
                     name_for_sentence() + ": a request buffer was used up already, or prepared by another plugin or " +
                         "session",
                     nullptr};
    }
    Completions done;
    {
        Lock lock(mutex_);
        PendingCall& call = *request.call_;
        const std::span<const std::byte> bytes = request.bytes();
        method = release_->methods[call.message.method].name;
        Submission submission;
        submission.session = session;
        std::optional<ErrorCode> refused = examine(method, call.message.method, bytes.size(), options, submission);
        if (!refused) {
            refused = closed(submission);
        }
        if (!refused && is_quarantined(submission, bytes)) {
            refused = ErrorCode::quarantined;
        }
        if (!refused && !has_ring_room()) {
            refused = ErrorCode::overloaded;
        }
        request.call_ = nullptr;
        request.bytes_ = {};
        if (refused) {
            abandon(call);
            return refusal(lock, submission, method, *refused, bytes.size());
        }
        describe(call, submission, bytes.size(), options, waiter);
        if (call.block) {
            call.message.set_slab_offset(*call.block);
        }
        id = call.id;
        see_through(lock, call, {}, waiter, options, done);
    }
    done.run(*this);
    return std::nullopt;
}

result<Bytes> Lane::call(const SessionRef& session, RequestBuffer& request, const CallOptions& options) {
    SyncWaiter waiter;
    std::uint64_t id = 0;
    std::string method;
    if (auto refused = perform(session, request, options, waiter, id, method)) {
        return *std::move(refused);
    }
    return conclude(id, method, waiter.outcome);
}

result<UntrustedView> Lane::call_in_place(const SessionRef& session, RequestBuffer& request,
                                          const CallOptions& options) {
    SyncWaiter waiter;
    std::uint64_t id = 0;
    std::string method;
    if (auto refused = perform(session, request, options, waiter, id, method)) {
        return *std::move(refused);
    }
    return view(id, method, waiter.outcome);
}

result<UntrustedView> Lane::call_in_place(const SessionRef& session, std::string_view method,
                                          std::span<const std::byte> request, const CallOptions& options) {
    SyncWaiter waiter;
    std::uint64_t id = 0;
    if (auto refused = perform(session, method, std::nullopt, request, options, waiter, id)) {
        return *std::move(refused);
    }
    return view(id, method, waiter.outcome);
}

// Like conclude(), but leaves a large reply where it is if it may stay there.
result<UntrustedView> Lane::view(std::uint64_t call_id, std::string_view method, Outcome& outcome) {
    const transport::Message& message = outcome.message;
    const bool large = outcome.replied && static_cast<Kind>(message.kind) == Kind::reply && message.in_slab();
    if (large && outcome.worker->make_present(message.slab_offset(), message.length) && grant_view(message)) {
        const std::byte* const place = outcome.worker->view.block(message.slab_offset());
        return UntrustedView(shared_from_this(), std::move(outcome.worker), call_id, {place, message.length});
    }
    auto copied = conclude(call_id, method, outcome);
    if (!copied) {
        return copied.error();
    }
    return UntrustedView(*std::move(copied));
}

// Views keep to the lower half of the slab, so wherever they lie, the largest reply fits above them: a worker that
// waits for room waits for calls, which end, and never for a view, which may stay for ever.
bool Lane::grant_view(const transport::Message& message) {
    if (message.slab_offset() + message.length > release_->geometry.reply_slab_size / 2) {
        return false;
    }
    const Lock lock(mutex_);
    if (views_ >= release_->geometry.call_slots / 2) {
        return false;
    }
    ++views_;
    return true;
}

void Lane::release_view(WorkerProcess& worker, std::uint64_t call_id) {
    if (::getpid() != owner_) {
        return;
    }
    const Lock lock(mutex_);
    --views_;
    let_go(worker, call_id);
}

// Nobody reads this reply any more.
void Lane::let_go(WorkerProcess& worker, std::uint64_t call_id) {
    release_reply(worker, call_id);
    if (PendingCall* call = calls_.find(call_id)) {
        call->held = false;
        maybe_free(*call);
    }
}

}  // namespace bulkhead::detail
