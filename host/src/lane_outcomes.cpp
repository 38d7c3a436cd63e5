// How calls get their outcome, exactly one each. All under the lane's mutex: that is what makes it exactly one.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::Kind;
using transport::SteadyTime;

void Lane::count(const Outcome& outcome, SteadyTime begin) {
    if (const auto error = outcome.error()) {
        ++stats_.errors[static_cast<std::size_t>(*error)];
    } else {
        ++stats_.succeeded;
        stats_.latency.add(decided_at_ - begin);
    }
}

void Lane::decide(PendingCall& call, Outcome outcome, Completions& done) {
    call.waiter->outcome = std::move(outcome);
    decided_at_ = clock_.now();
    finish(call, done);
}

// The outcome is where it belongs, and decided_at_ says when.
void Lane::finish(PendingCall& call, Completions& done) {
    Waiter* waiter = std::exchange(call.waiter, nullptr);
    count(waiter->outcome, call.begin);
    call.state = PendingCall::State::decided;
    waiter->done = true;
    if (waiter->asynchronous) {
        done.add(std::unique_ptr<AsyncWaiter>(static_cast<AsyncWaiter*>(waiter)));
    } else if (waiter != callers_.reader()) {
        callers_.settle(static_cast<SyncWaiter&>(*waiter), decided_at_);
    }
    maybe_free(call);
}

void Lane::maybe_free(PendingCall& call) {
    if (call.state != PendingCall::State::decided || !call.released) {
        return;
    }
    if (call.block) {
        outbox_.free(*call.block);
        call.block.reset();
    }
    if (!call.held) {
        calls_.give_back(call);
    }
    if (room_waiters_ > 0 || !deferred_.empty()) {
        announce_room();
    }
}

void Lane::announce_room() {
    if (room_waiters_ > 0) {
        room_.notify_all();
    }
    if (!deferred_.empty() && !deferred_start_posted_) {
        // Not from here: whoever makes room may be in the middle of something.
        deferred_start_posted_ = runtime_->supervisor.post([self = shared_from_this()] { self->start_deferred(); });
    }
}

void Lane::settle(WorkerProcess& worker, PendingCall& call, const transport::Message& message, Completions& done) {
    const auto kind = static_cast<Kind>(message.kind);
    call.released = true;
    worker.begun = std::max(worker.begun, call.position + 1);  // whatever its cursor will say when it is dead
    worker.answered.add(call);
    if (call.suspect) {
        call.suspect = false;
        publish_next_suspect();
    }
    if (message.in_slab()) {
        note_reply(worker, message);
    }
    const bool is_of_another = call.session && call.session->life && call.session->life != worker.life;
    if (kind == Kind::reply && is_of_another) {  // it was dying, and the session got the next one's handles meanwhile
        call.lost = call.ran = true;
    }
    if (call.state == PendingCall::State::decided || call.lost) {  // the caller has its outcome, or will have it
        if (message.in_slab()) {
            release_reply(worker, call.id);
        }
        maybe_free(call);
        return;
    }
    if (kind == Kind::reply) {
        worker.served_well = true;
        if (call.session && !call.session->life) {
            call.session->life = worker.life;
            if (&worker != serving_.get()) {
                lose_calls_behind(worker);
            }
        }
    }
    Outcome& outcome = call.waiter->outcome;
    outcome.replied = true;
    outcome.message = message;
    if (message.in_slab()) {
        outcome.worker = worker.shared_from_this();
        call.held = true;
    }
    finish(call, done);
}

// It did not begin them before it stepped down, and no other worker has the handles of their sessions.
void Lane::lose_calls_behind(const WorkerProcess& worker) {
    for (PendingCall* call : calls_.published()) {
        const bool is_its = call->session && call->session->life == worker.life;
        if (is_its && call->state == PendingCall::State::open && call->position >= worker.serves_to && !call->lost) {
            call->lost = true;
            withdraw(*call);
            call->ran = is_with_worker(*call);  // the next one was faster
        }
    }
}

void Lane::release_reply(WorkerProcess& worker, std::uint64_t call_id) {
    if (&worker != serving_.get()) {
        return;  // its slab has nobody to reuse it
    }
    outbox_.call_cell(PendingCalls::index_of(call_id)).released.store(call_id, std::memory_order_release);
    transport::full_fence();
    if (worker.view.header().waits_for_room.load(std::memory_order_relaxed) != 0) {
        transport::ring_bell(outbox_.worker_cell(worker.cell).bell);
    }
}

std::uint64_t Lane::refresh_begun(WorkerProcess& worker) {
    const std::uint64_t head = outbox_.requests().head();
    const std::uint64_t begun = worker.view.header().begun.load(std::memory_order_acquire);
    if (begun > head || begun < worker.begun) {
        // Zero is what the worker's outbox says until it took its first request.
        if (begun == 0 && worker.begun == worker.serves_from) {
            return worker.begun;
        }
        accuse(worker, "a begun cursor that goes back or beyond the last request");
        return head;
    }
    return worker.begun = begun;
}

bool Lane::may_have_begun(const PendingCall& call) {
    if (call.lost) {  // its next worker found it withdrawn, and says that it is past it
        return call.attempts > 0 || call.ran;
    }
    return call.attempts > 0 || call.position < served_from_ ||
           (serving_ && call.position < refresh_begun(*serving_) && call.position != transport::kNoPosition);
}

// It runs there, or is settled when that worker is buried.
bool Lane::is_with_worker(const PendingCall& call) {
    return call.position != transport::kNoPosition &&
           (call.position < served_from_ || (serving_ && call.position < refresh_begun(*serving_)));
}

// The worker that finds it shall not begin it. Either it sees this before it begins, or we see that it has begun.
void Lane::withdraw(PendingCall& call) {
    outbox_.call_cell(PendingCalls::index_of(call.id)).cancelled.store(call.id, std::memory_order_relaxed);
    transport::full_fence();
    if (call.position == transport::kNoPosition) {  // put off, or a suspect whose turn has not come: no worker has it
        call.released = true;
    }
}

void Lane::expire(PendingCall& call, ErrorCode code, Completions& done, std::shared_ptr<const Report> report) {
    withdraw(call);
    Outcome outcome;
    outcome.code = code;
    outcome.effect = may_have_begun(call) ? Effect::unknown : Effect::none;
    outcome.report = std::move(report);
    if (code == ErrorCode::unavailable) {
        outcome.next_try = next_try();
    }
    call.ran = serving_ && call.position < serving_->begun;
    if (call.deadline != transport::kNoDeadline) {
        watch_deadline(call.deadline + release_->manifest.supervision.hang_grace);
        if (serving_ && !serving_->accused) {
            note_progress(*serving_, clock_.now());  // so that it is known then whether it has moved since
        }
    }
    decide(call, std::move(outcome), done);
}

// The lane closes: nobody waits any longer.
void Lane::decide_all(ErrorCode code, const std::shared_ptr<const Report>& report, Completions& done) {
    for (PendingCall& call : calls_.all()) {
        if (call.state == PendingCall::State::open) {
            withdraw(call);
            Outcome outcome;
            outcome.code = code;
            outcome.effect = may_have_begun(call) ? Effect::unknown : Effect::none;
            outcome.report = report;
            decide(call, std::move(outcome), done);
        }
    }
    refuse_all_deferred(code, done);
    callers_.call_reader();
    room_.notify_all();
}

// No worker is on its way: only those wait on who asked for it, and those whose call is running somewhere, or is to be
// tried again by a worker that comes later.
void Lane::refuse_waiting(const std::shared_ptr<const Report>& report, Completions& done) {
    const auto waits_on = [&](const PendingCall& call) {
        return call.patient || (state_ == State::fatal ? is_with_worker(call) : may_have_begun(call));
    };
    for (PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open && !waits_on(*call)) {
            expire(*call, ErrorCode::unavailable, done, report);
        }
    }
    std::deque<Deferred> patient;
    for (Deferred& deferred : std::exchange(deferred_, {})) {
        if (deferred.submission.patient) {
            patient.push_back(std::move(deferred));
        } else {
            refuse_deferred(std::move(deferred), ErrorCode::unavailable, done);
        }
    }
    deferred_ = std::move(patient);
    callers_.call_reader();
    room_.notify_all();
}

// While nobody serves, nor is about to: calls that were decided before anybody began them give their room back. The
// next worker starts behind them all, where those without an outcome are published again. False: there are none.
bool Lane::pass_over_decided() {
    if (serving_) {
        return false;
    }
    const std::vector<PendingCall*> published = calls_.published();
    const bool found = std::any_of(published.begin(), published.end(), [this](const PendingCall* call) {
        return call->state == PendingCall::State::decided && call->position >= served_from_ &&
               call->position != transport::kNoPosition;
    });
    if (found) {
        publish_again(std::exchange(served_from_, outbox_.requests().head()));
    }
    return found;
}

// Those from this position on. No worker will find one that was decided meanwhile.
void Lane::publish_again(std::uint64_t from) {
    bool suspect_gone = false;
    for (PendingCall* call : calls_.published()) {
        if (call->position < from || call->position == transport::kNoPosition) {
            continue;
        }
        if (call->state == PendingCall::State::decided) {
            call->released = true;
            suspect_gone = suspect_gone || call->suspect;
            maybe_free(*call);
            continue;
        }
        call->position = outbox_.requests().publish(call->message);
        if (call->lost) {
            withdraw(*call);
        }
    }
    if (suspect_gone) {
        publish_next_suspect();
    }
}

void Lane::accuse(WorkerProcess& worker, const char* rule) {
    worker.accused = true;
    if (!worker.cause) {  // the lie came before the death, even if we saw that first
        worker.cause = Cause::protocol_violation;
        worker.detail = rule;
    }
    worker.kill();
    watch_deadline(std::chrono::steady_clock::now() + kSettling);  // should nothing tell of its end
    callers_.call_reader();
}

}  // namespace bulkhead::detail
