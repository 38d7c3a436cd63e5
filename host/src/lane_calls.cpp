// From a caller's arguments to a published request.
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstring>
#include <optional>
#include <stop_token>
#include <thread>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

SteadyTime deadline_after(SteadyTime begin, std::chrono::nanoseconds timeout) {
    constexpr std::chrono::nanoseconds kForEver = std::chrono::hours(24 * 365 * 100);
    return timeout >= kForEver ? transport::kNoDeadline : begin + timeout;
}

constexpr std::size_t kBusy = 32;  // calls in flight, so that who is put off would have to wait for its turn

std::uint64_t wire_deadline(SteadyTime deadline) {
    return deadline == transport::kNoDeadline ? 0 : static_cast<std::uint64_t>(deadline.time_since_epoch().count());
}

}  // namespace

bool Lane::has_ring_room() {
    // Half of the ring stays free for calls that are published again after a death.
    const std::uint64_t most = release_->geometry.request_slots - release_->geometry.call_slots;
    const std::uint64_t head = outbox_.requests().head() + put_off_.size();
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

// The session's worker serves no more.
bool Lane::is_lost(const SessionRef& session) const {
    return session && session->life && (!serving_ || serving_->life != session->life);
}

// Why no call can be made now, if so. A session whose worker is not buried yet is told with the report, see publish().
std::optional<ErrorCode> Lane::closed(const Submission& submission) const {
    if (state_ == State::stopped || state_ == State::stopping) {
        return ErrorCode::stopped;
    }
    const SessionRef& session = submission.session;
    if (is_lost(session) && session->life->report) {
        return ErrorCode::session_lost;
    }
    const bool waits_for_better_times = state_ == State::backoff || state_ == State::fatal;
    return waits_for_better_times && !submission.patient ? std::optional(ErrorCode::unavailable) : std::nullopt;
}

bool Lane::lost(const SessionPin& session) {
    const Lock lock(mutex_);
    return session.life && (!serving_ || serving_->dead || serving_->life != session.life);
}

// `block_size` is 0 when the request needs no block.
Admission Lane::admit(Lock& lock, const Submission& submission, std::size_t block_size, const CallOptions& options) {
    const auto try_once = [&]() -> PendingCall* {
        PendingCall* call = has_ring_room() ? calls_.acquire() : nullptr;
        if (call != nullptr && block_size > 0) {
            call->block = outbox_.allocate(block_size);
            if (!call->block) {
                calls_.give_back(*call);
                return nullptr;
            }
            note_request(*call->block, block_size, submission.begin);
        }
        return call;
    };
    if (const auto why = closed(submission)) {
        return {nullptr, why};
    }
    PendingCall* call = try_once();
    if (call == nullptr && pass_over_decided()) {
        call = try_once();
    }
    if (call == nullptr && options.when_full == WhenFull::wait) {
        ++room_waiters_;
        const auto changed = [&] { return closed(submission) || (call = try_once()) != nullptr; };
        if (submission.deadline == transport::kNoDeadline) {
            room_.wait(lock, options.stop, changed);
        } else {
            room_.wait_until(lock, options.stop, submission.deadline, changed);
        }
        --room_waiters_;
        if (call == nullptr) {
            const auto why = closed(submission);
            return {nullptr, why ? *why : options.stop.stop_requested() ? ErrorCode::cancelled : ErrorCode::overloaded};
        }
    }
    return call != nullptr ? Admission{call, std::nullopt} : Admission{nullptr, ErrorCode::overloaded};
}

// Copies a large request into its place, without holding the lock: the lane may close meanwhile. A small one goes
// straight into the ring, see publish().
void Lane::copy_request(Lock& lock, PendingCall& call, std::span<const std::byte> request) {
    if (!call.block) {
        return;
    }
    call.message.set_slab_offset(*call.block);
    lock.unlock();
    std::memcpy(outbox_.block(*call.block), request.data(), request.size());
    lock.lock();
}

// `small`: the request, if it goes into the ring's slot and is not in the message yet. True: the worker does not know
// yet if it sleeps, see announce().
//
// What a locked instruction or a fence after a store costs is the time until the store has reached another core; and
// each call takes a mutex. A handler makes many calls in a row, so while the worker has enough to do they are put off
// and then published together: their stores are on their way at the same time. A call that blocks would be the end of
// whoever runs the handlers, so it is not put off.
bool Lane::publish(PendingCall& call, std::span<const std::byte> small) {
    const bool by_handler =
        call.waiter != nullptr && call.waiter->asynchronous && handlers_run_on_ == std::this_thread::get_id();
    if (by_handler && calls_.in_use() > kBusy && !is_lost(call.session)) {
        if (!small.empty()) {
            std::memcpy(call.message.inline_bytes, small.data(), small.size());
        }
        call.state = PendingCall::State::open;
        put_off_.push_back(call.id);
        const bool full = put_off_.size() == put_off_.capacity();
        if (full) {
            publish_put_off();
        }
        return full;
    }
    if (!put_off_.empty()) {  // calls of one thread begin in the order in which it made them
        publish_put_off();
    }
    publish_now(call, small);
    if (!by_handler) {  // else whoever runs the handlers makes it up for all of them
        transport::full_fence();
    }
    return true;
}

// Those that have no outcome yet.
void Lane::publish_put_off() {
    for (const std::uint64_t id : put_off_) {
        PendingCall* const call = calls_.find(id);
        if (call != nullptr && call->state == PendingCall::State::open && call->position == transport::kNoPosition) {
            publish_now(*call, {});
        }
    }
    put_off_.clear();
}

void Lane::publish_now(PendingCall& call, std::span<const std::byte> small) {
    call.message.incarnation = serving_ ? serving_->incarnation : 0;
    if (small.empty()) {
        call.position = outbox_.requests().publish(call.message);
    } else {
        call.position = outbox_.requests().publish(call.message, small.data());
        // For a second time and for reports. Now, because nobody waits for it: the worker has begun.
        std::memcpy(call.message.inline_bytes, small.data(), small.size());
    }
    call.state = PendingCall::State::open;
    if (is_lost(call.session)) {  // no other worker may begin it; it ends when the report is there
        call.lost = true;
        withdraw(call);
    }
    if (serving_ && call.position >= serving_->recycle_from) {
        recycle();
    }
    if (call.deadline == transport::kNoDeadline && release_->manifest.supervision.watchdog.count() > 0) {
        watch_deadline(call.begin + release_->manifest.supervision.watchdog / 2);
    }
    if (release_->manifest.supervision.recycle.memory > 0) {
        watch_deadline(call.begin + kMemoryPeriod);
    }
}

// Wakes the worker if it sleeps. After a fence it does not miss one that is about to.
void Lane::announce() {
    if (serving_ && serving_->view.header().parked.load(std::memory_order_relaxed) != 0) {
        transport::WorkerCell& cell = outbox_.worker_cell(serving_->cell);
        runtime_->permits.claim(cell.spin_permit);
        transport::ring_bell(cell.bell);
    }
}

// Counts the call and says at once what can be said without room. Under the mutex.
std::optional<ErrorCode> Lane::examine(std::string_view method, std::optional<std::uint16_t> number,
                                       std::size_t request_size, const CallOptions& options, Submission& submission) {
    ++stats_.calls;
    if (number) {
        submission.method = *number;
    } else {
        const auto found = release_->method_numbers.find(method);
        if (found == release_->method_numbers.end()) {
            return ErrorCode::no_such_method;
        }
        submission.method = found->second;
    }
    if (request_size > release_->geometry.payload_limit) {
        return ErrorCode::too_large;
    }
    if (options.stop.stop_requested()) {
        return ErrorCode::cancelled;
    }
    submission.patient = options.when_unavailable == WhenUnavailable::wait;
    submission.begin = clock_.now();
    submission.deadline =
        deadline_after(submission.begin, options.timeout.value_or(release_->manifest.supervision.call));
    return submission.deadline <= submission.begin ? std::optional(ErrorCode::timed_out) : std::nullopt;
}

// Finds room, and puts the request where the worker will read it. The call is ready to be published.
Admission Lane::place(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                      const CallOptions& options, Waiter& waiter) {
    if (is_quarantined(submission, request)) {
        return {nullptr, ErrorCode::quarantined};
    }
    const std::size_t inline_room = options.trace ? transport::kTracedInlineCapacity : transport::kInlineCapacity;
    const Admission admission = admit(lock, submission, request.size() > inline_room ? request.size() : 0, options);
    if (admission.call == nullptr) {
        return admission;
    }
    PendingCall& call = *admission.call;
    describe(call, submission, request.size(), options, waiter);
    copy_request(lock, call, request);
    if (const auto why = call.block ? closed(submission) : std::nullopt) {
        abandon(call);
        return {nullptr, why};
    }
    return admission;
}

// All but where the request lies.
void Lane::describe(PendingCall& call, const Submission& submission, std::size_t size, const CallOptions& options,
                    Waiter& waiter) {
    call.begin = submission.begin;
    call.deadline = submission.deadline;
    call.idempotent = release_->methods[submission.method].idempotent;
    call.patient = submission.patient;
    call.waiter = &waiter;
    call.session = submission.session;
    transport::Message& message = call.message;
    message.call_id = call.id;
    message.kind = static_cast<std::uint8_t>(transport::Kind::call);
    message.flags = 0;
    message.method = submission.method;
    message.length = static_cast<std::uint32_t>(size);
    message.status = 0;
    message.deadline = wire_deadline(submission.deadline);
    if (options.trace) {
        message.flags |= transport::kSlotTraced;
        std::memcpy(message.inline_bytes + transport::kTracedInlineCapacity, options.trace->data(),
                    options.trace->size());
    }
}

std::optional<std::uint16_t> Lane::number_of(std::string_view method) {
    const Lock lock(mutex_);
    const auto number = release_->method_numbers.find(method);
    return number == release_->method_numbers.end() ? std::nullopt : std::optional(number->second);
}

// Makes a call and waits for its outcome. An error: it was refused.
std::optional<Error> Lane::perform(const SessionRef& session, std::string_view method,
                                   std::optional<std::uint16_t> number, std::span<const std::byte> request,
                                   const CallOptions& options, SyncWaiter& waiter, std::uint64_t& id) {
    Completions done;
    {
        Lock lock(mutex_);
        Submission submission;
        submission.session = session;
        if (const auto refused = examine(method, number, request.size(), options, submission)) {
            return refusal(lock, submission, method, *refused, request.size());
        }
        const Admission admission = place(lock, submission, request, options, waiter);
        if (admission.call == nullptr) {
            return refusal(lock, submission, method, *admission.refused, request.size());
        }
        id = admission.call->id;
        see_through(lock, *admission.call, request, waiter, options, done);
    }
    done.run(*this);
    return std::nullopt;
}

// Publishes a call and waits for its outcome. Leaves the mutex when it likes. An exception here would leave a waiter
// behind in the lane, on a stack that is gone: then it is better to end.
void Lane::see_through(Lock& lock, PendingCall& call, std::span<const std::byte> request, SyncWaiter& waiter,
                       const CallOptions& options, Completions& done) noexcept {
    const std::uint64_t id = call.id;
    const SteadyTime deadline = call.deadline;
    const SteadyTime begin = call.begin;
    waiter.request_size = call.message.length;
    publish(call, call.block ? std::span<const std::byte>() : request);
    enlist(waiter, begin);  // while a worker that is awake works; the other one would see that nobody reads the replies
    announce();
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

result<Bytes> Lane::call(const SessionRef& session, std::string_view method, std::span<const std::byte> request,
                         const CallOptions& options, std::optional<std::uint16_t> number) {
    SyncWaiter waiter;
    std::uint64_t id = 0;
    if (auto refused = perform(session, method, number, request, options, waiter, id)) {
        return *std::move(refused);
    }
    return conclude(id, method, waiter.outcome);
}

}  // namespace bulkhead::detail
