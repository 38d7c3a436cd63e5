// What a lane does when time passes: deadlines of asynchronous calls, hangs, starts that take too long. On the
// supervisor thread.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <map>
#include <random>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

void Lane::on_timer() {
    Completions done;
    std::vector<WorkerRef> overdue;
    std::vector<WorkerRef> out_of_sight;
    bool order = false;
    {
        const Lock lock(mutex_);
        armed_ = transport::kNoDeadline;
        if (serving_ && !serving_->serving) {  // a worker says so when its first call has been served
            on_life(serving_, done);
        }
        const SteadyTime now = std::chrono::steady_clock::now();
        SteadyTime next = std::min(check_calls(now, done), expire_deferred(now, done));
        next = std::min(
            {next, check_start(now, done), check_lives(now, overdue), check_recycling(now), check_memory(now)});
        for (const WorkerRef& worker : {serving_, coming_}) {
            if (worker) {
                worker->process.let_go();
            }
        }
        for (const WorkerRef& worker : workers()) {
            if (worker->is_out_of_sight()) {
                out_of_sight.push_back(worker);
            }
        }
        if (order_again_at_ <= now) {
            order_again_at_ = transport::kNoDeadline;
            order = true;
        }
        next = std::min(next, order_again_at_);
        if (next != transport::kNoDeadline) {
            watch_deadline(next);
        }
    }
    done.run(*this);
    const SteadyTime kept = reply_memory_.check(std::chrono::steady_clock::now());  // may take long
    if (kept != transport::kNoDeadline) {
        const Lock lock(mutex_);
        watch_deadline(kept);
    }
    for (const WorkerRef& worker : out_of_sight) {
        watch_death(worker);
    }
    for (const WorkerRef& worker : overdue) {
        worker->status_known = true;
        bury(worker);
    }
    if (order) {
        order_worker();
    }
}

// Ends workers that take too long to be ready, or to serve. When to look again.
SteadyTime Lane::check_start(SteadyTime now, Completions& done) {
    constexpr std::chrono::milliseconds kLook{10};  // whether one that took over serves: its first call may take long
    const auto patience = release_->manifest.supervision.start;
    const std::string allowed = " within " + std::to_string(patience.count()) + " ms";
    SteadyTime next = transport::kNoDeadline;
    for (const WorkerRef& worker : {coming_, serving_}) {
        if (!worker || worker->ready || worker->dead) {
            continue;
        }
        const SteadyTime due = worker->ordered_at + patience;
        if (due >
            now) {  // one that took over already does not say when it is ready; the longer it takes, the rarer a look
            const SteadyTime look = now + std::max<SteadyTime::duration>(kLook, (now - worker->ordered_at) / 8);
            next = std::min(next, worker == serving_ ? std::min(due, look) : due);
        } else if (!worker->process) {
            runtime_->launcher->withdraw(worker->start_id);
            forget(worker);
            on_shortage("no process could be made in time", done);
        } else {
            next = std::min(next, end_overdue(*worker, Cause::start_failure, "it was not ready" + allowed, now));
        }
    }
    if (serving_ && serving_->ready && !serving_->serving && !serving_->dead) {
        const SteadyTime due = serving_->began_at() + patience;
        next = std::min(
            next, due > now ? std::min(due, now + kLook)
                            : end_overdue(*serving_, Cause::start_failure, "it did not begin to serve" + allowed, now));
    }
    return next;
}

std::vector<Lane::WorkerRef> Lane::workers() const {
    std::vector<WorkerRef> all = leaving_;
    for (const WorkerRef& worker : {serving_, coming_}) {
        if (worker) {
            all.push_back(worker);
        }
    }
    return all;
}

// Ends workers that do not go when it is time; `overdue` are those that are dead and whose exit status does not come.
// When to look again.
SteadyTime Lane::check_lives(SteadyTime now, std::vector<WorkerRef>& overdue) {
    SteadyTime next = transport::kNoDeadline;
    const auto at = [&](SteadyTime due, auto&& act) {
        if (due <= now) {
            act();
        } else {
            next = std::min(next, due);
        }
    };
    const auto stop = release_->manifest.supervision.stop;
    for (const WorkerRef& worker : workers()) {
        if (worker->dead) {
            at(worker->died_at + kLateStatus, [&] {
                runtime_->launcher->wake_parents();
                at(worker->died_at + kStatusPatience, [&] { overdue.push_back(worker); });
            });
        } else if (worker->crashing) {
            // Its handler is stuck, or what it died of was a long time ending: its exit status tells.
            at(worker->crashing_at + kCrashPatience, [&] {
                worker->crash_overdue = worker->crash_overdue || !worker->cause;
                worker->end(Cause::hang, "");
            });
        } else if (worker->handing_over) {
            // While it has calls to answer, their deadlines decide; then it has some time from the last of them on.
            at(std::max(worker->handing_over_at, worker->progress_at) + stop, [&] {
                const bool busy = !worker->has_lost_dispatcher() && !begun_calls(*worker).empty();
                next = std::min(next, busy ? now + stop : end_overdue(*worker, Cause::hang, "", now));
            });
        } else if (worker->cause == Cause::host_request || state_ == State::stopping || state_ == State::fatal) {
            at(stop_by_, [&] { worker->cut_off_stop(); });
        }
    }
    return next;
}

// When to look again.
SteadyTime Lane::check_recycling(SteadyTime now) {
    if (!serving_ || !serving_->serving || serving_->handing_over) {
        return transport::kNoDeadline;
    }
    WorkerProcess& worker = *serving_;
    if (worker.recycle_at <= now) {
        recycle();
    }
    const std::uint64_t most = release_->manifest.supervision.recycle.memory;
    const bool used = outbox_.requests().head() != worker.memory_looked_at;
    if (most > 0 && used && now >= worker.memory_look_next) {
        worker.memory_looked_at = outbox_.requests().head();
        worker.memory_look_next = now + kMemoryPeriod;
        if (worker.resident_bytes() > most) {
            recycle();
        }
    }
    return std::min(worker.recycle_at, most > 0 && used ? worker.memory_look_next : transport::kNoDeadline);
}

// Of the serving worker: from now on. Up to a tenth earlier, so that plugins that began together do not pause together.
void Lane::plan_recycling() {
    const Recycling& recycle = release_->manifest.supervision.recycle;
    std::uniform_real_distribution<double> jitter(0.9, 1.0);
    if (recycle.age.count() > 0) {
        serving_->recycle_at = std::chrono::steady_clock::now() +
                               std::chrono::duration_cast<std::chrono::nanoseconds>(recycle.age * jitter(random_));
        watch_deadline(serving_->recycle_at);
    }
    if (recycle.calls > 0) {
        serving_->recycle_from =
            serving_->begun + static_cast<std::uint64_t>(static_cast<double>(recycle.calls) * jitter(random_));
    }
}

// The serving worker shall be replaced by a fresh one. Any thread.
void Lane::recycle() {
    serving_->recycle_at = transport::kNoDeadline;
    serving_->recycle_from = transport::kNoPosition;
    if (state_ != State::running || std::exchange(handover_wanted_, true)) {
        return;
    }
    if (coming_ && coming_->ready) {
        begin_handover();
    } else if (!coming_) {
        order_soon();
    }
}

// Ends asynchronous calls past their deadline, a worker that does not let go of one, and one whose dispatcher is gone
// though its process lives: who waits for an answer would see that, but here may be nobody. The next time to look.
SteadyTime Lane::check_calls(SteadyTime now, Completions& done) {
    drain(done);  // before anybody is blamed for an answer that lies here
    callers_.call_reader();
    SteadyTime next = transport::kNoDeadline;
    bool any_open = false;
    for (PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open && call->waiter->asynchronous) {
            if (call->deadline <= now) {
                expire(*call, ErrorCode::timed_out, done);
            } else {
                any_open = true;
                next = std::min(next, call->deadline);
            }
        }
    }
    if (any_open && nobody_reads() && serving_ && may_serve_on(*serving_)) {
        next = std::min(next, now + kDispatcherLook);
        if (serving_->has_lost_dispatcher()) {
            const WorkerRef former = serving_;
            replace_serving(done);
            former->kill();
        }
    }
    if (serving_ && !serving_->dead && !serving_->accused) {
        next = std::min(next, check_hang(*serving_, now));
    }
    end_overdue_turn(now, done);
    if (nobody_reads()) {
        let_supervisor_read(done);
    }
    return next;
}

// Whether it has begun or answered anything since the lane last looked.
bool Lane::note_progress(WorkerProcess& worker, SteadyTime now) {
    const std::uint64_t progress = refresh_begun(worker) + worker.replies.position();  // both only grow
    if (progress == worker.progress) {
        return false;
    }
    worker.progress = progress;
    worker.progress_at = now;
    return true;
}

// A worker hangs when it still holds a call that it was running at its deadline, or does not even take the next one
// although nothing keeps it busy; each for longer than the grace. For how long it may load and activate is
// check_start()'s to say.
SteadyTime Lane::check_hang(WorkerProcess& worker, SteadyTime now) {
    if (worker.stack_by != transport::kNoDeadline) {
        return end_overdue(worker, Cause::hang, "", now);
    }
    const auto grace = release_->manifest.supervision.hang_grace;
    const bool moves = note_progress(worker, now);
    const std::uint64_t begun = worker.begun;
    bool busy = !worker.serving;  // or with a call that may still take its time
    DueCall held;                 // that it was running, or ...
    DueCall waiting;              // ... does not even take
    SteadyTime look = transport::kNoDeadline;
    for (PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open) {
            busy = busy || (call->position >= worker.serves_from && call->position < begun);
        } else if (!call->released && call->deadline != transport::kNoDeadline &&
                   call->position >= worker.serves_from && call->position < worker.serves_to) {
            DueCall& due = call->ran ? held : waiting;
            const SteadyTime at = std::max(call->deadline, call->ran ? call->deadline : worker.progress_at) + grace;
            if (call->ran && at <= now && is_answer_kept_back(*call, worker)) {
                look = now + grace;
            } else {
                due.note(at, call->id);
            }
        }
    }
    const DueCall unlimited = check_unlimited(worker, begun, now);
    for (const DueCall& due : {held, unlimited, busy ? DueCall() : waiting}) {
        if (due.at <= now) {
            worker.overdue_call = due.id;
            worker.stands_still = !moves;
            return end_overdue(worker, Cause::hang, "", now);
        }
    }
    return std::min({look, unlimited.at, held.at, busy ? std::max(waiting.at, now + grace) : waiting.at});
}

// Where each answer waits for a checkpoint, that of another thread waits for the method that the dispatcher runs, and
// is no hang. The worker's word for it is taken once for each call, and only while that method's own call has not been
// answered: it has limits too.
bool Lane::is_answer_kept_back(PendingCall& call, const WorkerProcess& worker) {
    const auto is_being_run = [&](std::uint64_t id) {
        const PendingCall* running = id == call.id ? nullptr : calls_.find(id);
        return running != nullptr && !running->released && running->position >= worker.serves_from &&
               running->position < worker.begun;
    };
    const transport::WorkerOutboxHeader& said = worker.view.header();
    if (said.answers_held.load(std::memory_order_acquire) == 0) {
        return false;
    }
    if (call.answer_waits_for == 0) {
        const std::uint64_t running = said.current_call_id.load(std::memory_order_relaxed);
        call.answer_waits_for = is_being_run(running) ? running : 0;
    }
    return is_being_run(call.answer_waits_for);
}

// Calls without a deadline, for the watchdog: the time to look again, or now when one has run for too long, or has
// waited as long for a worker that runs nothing and does not take it.
DueCall Lane::check_unlimited(WorkerProcess& worker, std::uint64_t begun, SteadyTime now) {
    const auto limit = release_->manifest.supervision.watchdog;
    if (limit.count() == 0) {
        return {};
    }
    DueCall next;
    DueCall taken;  // by then, if the worker runs nothing
    bool idle = worker.serving && !worker.handing_over;
    std::map<std::uint64_t, SteadyTime> since;
    for (PendingCall* call : calls_.published()) {
        const bool waits = call->position >= begun;
        if (call->released || (waits && call->state != PendingCall::State::open)) {
            continue;
        }
        const bool of_predecessor = call->position < worker.serves_from;
        idle = idle && (waits || of_predecessor);
        if (call->deadline != transport::kNoDeadline || of_predecessor) {
            continue;
        }
        if (waits) {
            next.note(now + limit / 2, call->id);  // it may begin at any time, and nobody tells
            taken.note(std::max(call->begin, worker.progress_at) + limit, call->id);
            continue;
        }
        const auto known = worker.unlimited_since.find(call->id);
        const SteadyTime first_seen = known == worker.unlimited_since.end() ? now : known->second;
        since.emplace(call->id, first_seen);
        const bool kept_back = first_seen + limit <= now && is_answer_kept_back(*call, worker);
        next.note(kept_back ? now + limit / 2 : first_seen + limit, call->id);
    }
    worker.unlimited_since = std::move(since);
    return idle && taken.at < next.at ? taken : next;
}

// Time is over for a worker. When to look again whether it has said where it is.
SteadyTime Lane::end_overdue(WorkerProcess& worker, Cause why, std::string explanation, SteadyTime now) {
    if (worker.stack_by == transport::kNoDeadline) {
        worker.end_overdue(why, std::move(explanation));
    } else if (worker.finish_overdue(now)) {
        worker.stack_by = transport::kNoDeadline;
    }
    return worker.stack_by;
}

}  // namespace bulkhead::detail
