// Calls whose caller does not block, and cancellation.
#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

void Lane::start_call(const SessionRef& session, std::string_view method, std::optional<std::uint16_t> number,
                      std::span<const std::byte> request, const CallOptions& options,
                      std::unique_ptr<Completion> completion, const std::shared_ptr<CancelTicket>& ticket) {
    // Once the mutex is left the handler may have run and let go of the last handle.
    const std::shared_ptr<Lane> kept = ticket ? shared_from_this() : nullptr;
    auto waiter = std::make_unique_for_overwrite<AsyncWaiter>();  // not a zero in each byte of its message
    waiter->asynchronous = true;
    waiter->completion = std::move(completion);
    waiter->ticket = ticket;
    if (ticket) {
        ticket->attach(weak_from_this());
    }
    std::unique_ptr<AsyncWaiter> turned_away;
    std::optional<Error> refused;
    {
        Lock lock(mutex_);
        Submission submission;
        submission.session = session;
        std::optional<ErrorCode> why = examine(method, number, request.size(), options, submission);
        waiter->method = submission.method;
        // Nothing here may block, and nobody overtakes those who wait already.
        const bool may_wait = options.when_full == WhenFull::wait;
        if (!why && may_wait && !deferred_.empty()) {
            why = closed(submission);
        } else if (!why) {
            why = try_start(lock, submission, request, options, waiter);
        }
        if (waiter && may_wait && (!why || *why == ErrorCode::overloaded) &&
            deferred_.size() < release_->geometry.call_slots) {
            defer(submission, request, options, std::move(waiter));
        } else if (waiter) {
            turned_away = std::move(waiter);
            refused = refusal(lock, submission, method, why.value_or(ErrorCode::overloaded), request.size());
        }
    }
    if (turned_away) {
        turned_away->completion->complete(*std::move(refused), true);
        return;
    }
    if (ticket && ticket->cancelled()) {  // before there was anything to cancel
        cancel(*ticket);
    }
}

// One for which there is no memory is counted as refused for want of room.
void Lane::defer(const Submission& submission, std::span<const std::byte> request, const CallOptions& options,
                 std::unique_ptr<AsyncWaiter> waiter) try {
    deferred_.push_back({submission, {request.begin(), request.end()}, options, std::move(waiter)});
    watch_deadline(submission.deadline);
} catch (const std::bad_alloc&) {
    ++stats_.errors[static_cast<std::size_t>(ErrorCode::overloaded)];
    throw;
}

// Publishes the call if there is room; then the pending call owns `waiter`.
std::optional<ErrorCode> Lane::try_start(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                                         const CallOptions& options, std::unique_ptr<AsyncWaiter>& waiter) {
    CallOptions now_or_never = options;
    now_or_never.when_full = WhenFull::fail;
    const Admission admission = place(lock, submission, request, now_or_never, *waiter);
    if (admission.call == nullptr) {
        return admission.refused;
    }
    watch_deadline(submission.deadline);
    waiter->call_id = admission.call->id;
    if (callers_.reader() == nullptr) {
        watch_deadline(std::max(submission.begin, decided_at_) + kDispatcherLook);
        if (!supervisor_reads_) {
            set_host_waits(transport::kHostPolls);  // before the reply can be there
        }
    }
    PendingCall& call = *admission.call;
    static_cast<void>(waiter.release());
    if (publish(call, call.block ? std::span<const std::byte>() : request)) {
        announce();
    }
    return std::nullopt;
}

// There is room again. On the supervisor thread, because whoever made room may hold no lock while he copies.
void Lane::start_deferred() {
    Lock lock(mutex_);
    deferred_start_posted_ = false;
    while (!deferred_.empty() && calls_.has_room()) {
        Deferred next = std::move(deferred_.front());
        deferred_.pop_front();
        const std::shared_ptr<CancelTicket> ticket = next.waiter->ticket;
        const auto why = try_start(lock, next.submission, next.request, next.options, next.waiter);
        if (why == ErrorCode::overloaded) {
            deferred_.push_front(std::move(next));
            return;
        }
        if (why) {
            Completions done;
            refuse_deferred(std::move(next), *why, done);
            lock.unlock();
            done.run(*this);
            lock.lock();
        } else if (ticket && ticket->cancelled()) {  // while its request was being copied
            lock.unlock();
            cancel(*ticket);
            lock.lock();
        }
    }
}

void Lane::refuse_deferred(Deferred deferred, ErrorCode code, Completions& done) {
    deferred.waiter->outcome.code = code;
    if (code == ErrorCode::unavailable) {
        deferred.waiter->outcome.next_try = next_try();
    }
    count(deferred.waiter->outcome, deferred.submission.begin);
    done.add(std::move(deferred.waiter));
}

void Lane::refuse_all_deferred(ErrorCode code, Completions& done) {
    while (!deferred_.empty()) {  // which needs no memory
        refuse_deferred(std::move(deferred_.front()), code, done);
        deferred_.pop_front();
    }
}

// Ends those whose deadline passed while they waited for room. When to look again.
SteadyTime Lane::expire_deferred(SteadyTime now, Completions& done) {
    SteadyTime next = transport::kNoDeadline;
    for (auto entry = deferred_.begin(); entry != deferred_.end();) {
        if (entry->submission.deadline <= now) {
            refuse_deferred(std::move(*entry), ErrorCode::overloaded, done);
            entry = deferred_.erase(entry);
        } else {
            next = std::min(next, entry->submission.deadline);
            ++entry;
        }
    }
    return next;
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
        callers_.call_reader();
    }
    done.run(*this);
}

void Lane::cancel(const CancelTicket& ticket) {
    Completions done;
    {
        const Lock lock(mutex_);
        const auto waits = std::find_if(deferred_.begin(), deferred_.end(), [&ticket](const Deferred& deferred) {
            return deferred.waiter->ticket.get() == &ticket;
        });
        if (waits != deferred_.end()) {
            refuse_deferred(std::move(*waits), ErrorCode::cancelled, done);
            deferred_.erase(waits);
        }
        for (PendingCall* call : calls_.published()) {
            if (call->state == PendingCall::State::open && call->waiter->asynchronous &&
                static_cast<AsyncWaiter*>(call->waiter)->ticket.get() == &ticket) {
                expire(*call, ErrorCode::cancelled, done);
            }
        }
    }
    done.run(*this);
}

void CancelTicket::attach(std::weak_ptr<Lane> lane) {
    const std::lock_guard lock(mutex_);
    lane_ = std::move(lane);
}

bool CancelTicket::cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
}

void CancelTicket::cancel() {
    std::shared_ptr<Lane> lane;
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        lane = lane_.lock();
    }
    if (lane) {
        lane->cancel(*this);
    }
}

}  // namespace bulkhead::detail
