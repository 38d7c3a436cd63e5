// How calls get their outcome, exactly one each. All under the lane's mutex: that is what makes it exactly one.
#include <bulkhead/transport/waiting.hpp>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::Kind;
using transport::SteadyTime;

void Lane::count(const Outcome& outcome, SteadyTime begin) {
    const auto kind = static_cast<Kind>(outcome.message.kind);
    if (outcome.replied && kind == Kind::reply) {
        ++stats_.succeeded;
        stats_.latency.add(std::chrono::steady_clock::now() - begin);
        return;
    }
    const ErrorCode code = !outcome.replied             ? outcome.code
                           : kind == Kind::plugin_error ? ErrorCode::plugin_failed
                                                        : ErrorCode::too_large;
    ++stats_.errors[static_cast<std::size_t>(code)];
}

void Lane::decide(PendingCall& call, Outcome outcome, Completions& done) {
    count(outcome, call.begin);
    call.state = PendingCall::State::decided;
    Waiter* waiter = std::exchange(call.waiter, nullptr);
    waiter->outcome = std::move(outcome);
    waiter->done = true;
    if (waiter->asynchronous) {
        done.add(std::unique_ptr<AsyncWaiter>(static_cast<AsyncWaiter*>(waiter)));
    } else if (waiter != reader_) {
        auto& sleeper = static_cast<SyncWaiter&>(*waiter);
        unlink(sleeper);
        sleeper.word.store(SyncWaiter::kDone, std::memory_order_release);
        transport::futex_wake(sleeper.word);
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
    announce_room();
}

void Lane::announce_room() {
    if (room_waiters_ > 0) {
        room_.notify_all();
    }
    if (!deferred_.empty() && !std::exchange(deferred_start_posted_, true)) {
        // Not from here: whoever makes room may be in the middle of something.
        runtime_->supervisor.post([self = shared_from_this()] { self->start_deferred(); });
    }
}

void Lane::settle(PendingCall& call, const transport::Message& message, Completions& done) {
    call.released = true;
    if (call.state == PendingCall::State::decided) {  // too late: the caller has its outcome
        if (message.in_slab()) {
            release_reply(*serving_, call.id);
        }
        maybe_free(call);
        return;
    }
    if (call.session && !call.session->life && static_cast<Kind>(message.kind) == Kind::reply) {
        call.session->life = serving_->life;
    }
    Outcome outcome;
    outcome.replied = true;
    outcome.message = message;
    if (message.in_slab()) {
        outcome.worker = serving_;
        call.held = true;
    }
    decide(call, std::move(outcome), done);
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
        if (begun == 0 && worker.begun == served_from_) {
            return worker.begun;
        }
        accuse(worker, "a begun cursor that goes back or beyond the last request");
        return head;
    }
    return worker.begun = begun;
}

Effect Lane::effect_of(const PendingCall& call) {
    if (call.attempts > 0) {
        return Effect::unknown;  // it began in a worker that died
    }
    return serving_ && call.position < refresh_begun(*serving_) ? Effect::unknown : Effect::none;
}

void Lane::expire(PendingCall& call, ErrorCode code, Completions& done, std::shared_ptr<const Report> report) {
    // Either the worker sees the cancellation before it begins, or we see that it has begun.
    outbox_.call_cell(PendingCalls::index_of(call.id)).cancelled.store(call.id, std::memory_order_relaxed);
    transport::full_fence();
    Outcome outcome;
    outcome.code = code;
    outcome.effect = effect_of(call);
    outcome.report = std::move(report);
    call.ran = serving_ && call.position < serving_->begun;
    if (call.deadline != transport::kNoDeadline) {
        watch_deadline(call.deadline + release_->manifest.supervision.hang_grace);
    }
    decide(call, std::move(outcome), done);
}

void Lane::decide_all(ErrorCode code, const std::shared_ptr<const Report>& report, Completions& done) {
    for (PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open) {
            outbox_.call_cell(PendingCalls::index_of(call->id)).cancelled.store(call->id, std::memory_order_relaxed);
            transport::full_fence();
            Outcome outcome;
            outcome.code = code;
            outcome.effect = effect_of(*call);
            outcome.report = report;
            decide(*call, std::move(outcome), done);
        }
    }
    refuse_all_deferred(code, done);
    wake_reader();
    room_.notify_all();
}

void Lane::accuse(WorkerProcess& worker, const char* rule) {
    worker.accused = true;
    if (!worker.cause) {  // the lie came before the death, even if we saw that first
        worker.cause = Cause::protocol_violation;
        worker.detail = rule;
    }
    worker.kill();
    wake_reader();
}

}  // namespace bulkhead::detail
