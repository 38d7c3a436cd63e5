// From one worker to the next, without a call that notices. On the supervisor thread, but for crash and death notices,
// which the caller that reads the replies may see first.
//
//   coming_ --take_over--> serving_ --step_down--> leaving_ --bury--> gone
//
// Where nobody serves the next one takes over as soon as it is ordered, and begins when it is ready. The one that
// serves steps down when it is dead, when its crash handler or the kernel gives notice, or when it has handed over in
// order.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

void Lane::take_over(Completions& done) {
    if (!move_to_outbox_of(*coming_)) {
        return;
    }
    pass_over_decided();
    for (const WorkerRef& worker : leaving_) {
        worker->superseded = true;
    }
    serving_ = std::exchange(coming_, nullptr);
    handover_wanted_ = false;  // also when the former one died instead of handing over: this one is fresh
    WorkerProcess& worker = *serving_;
    worker.serves_from = worker.begun = worker.progress = served_from_;
    worker.took_over_at = worker.progress_at = std::chrono::steady_clock::now();
    host_waits_ = transport::kHostLooks;
    transport::WorkerCell& cell = outbox_.worker_cell(worker.cell);
    cell.start.store(served_from_, std::memory_order_release);
    if (nobody_reads()) {
        let_supervisor_read(done);
    }
    if (worker.ready) {  // else its first answer wakes the reader
        done.wake_reader(callers_);
        done.ring(cell.bell);
    }
    watch_deadline(worker.took_over_at + kSettling, done);
    if (release_->manifest.supervision.watchdog.count() > 0) {
        watch_deadline(worker.took_over_at + release_->manifest.supervision.watchdog / 2);
    }
}

// The serving worker is activated.
void Lane::on_serving(WorkerProcess& worker) {
    if (std::exchange(worker.serving, true)) {
        return;
    }
    worker.progress_at = std::chrono::steady_clock::now();  // until then it could take no call
    policy_.started();
    plan_recycling();
    if (worker.incarnation > 1) {
        log_.line(LogSource::host, LogLevel::info,
                  "its next worker serves (life " + std::to_string(worker.incarnation) + ")");
    }
    if (worker.cause || (state_ != State::starting && state_ != State::running)) {
        return;  // it was told to end meanwhile
    }
    // Callers come first; then what was armed in case it took too long is forgotten, and check_memory() looks.
    watch_deadline(worker.progress_at + kSettling);
    start_over_ = true;
    deaths_by_state_ = 0;
    saved_moment_.clear();
    enter(State::running, worker.incarnation > 1 ? "its next worker serves" : "its first worker serves");
    if (release_->manifest.supervision.standby && !coming_) {
        order_next();
    }
    begin_handover();  // that was wanted while it could not be
}

// The serving worker takes no further call. What it has begun stays its own until it is dead.
void Lane::step_down(Completions& done) {
    const WorkerRef worker = std::exchange(serving_, nullptr);
    if (!worker->dead) {
        // Either it sees this before it begins the next call, or we see that it has begun it.
        outbox_.worker_cell(worker->cell).stop.store(worker->begun, std::memory_order_relaxed);
        transport::full_fence();
    }
    drain(*worker, done);
    if (!worker->accused) {
        absorb_checkpoint(*worker);
    }
    worker->serves_to =
        std::min(worker->serves_to, worker->accused ? outbox_.requests().head() : refresh_begun(*worker));
    served_from_ = worker->serves_to;
    leaving_.push_back(worker);
    lose_calls_behind(*worker);
    done.wake_reader(callers_);
}

// In order: the serving worker answers what came until now, and the one that stands by gets all that follows.
void Lane::begin_handover() {
    const bool possible = handover_wanted_ && serving_ && serving_->serving && !serving_->dead && !serving_->crashing &&
                          !serving_->handing_over && coming_ && coming_->ready && !coming_->dead && !coming_->cause;
    if (!possible || !may_move()) {
        return;
    }
    handover_wanted_ = false;
    serving_->handing_over = true;
    serving_->handing_over_at = std::chrono::steady_clock::now();
    serving_->serves_to = outbox_.requests().head();
    transport::WorkerCell& cell = outbox_.worker_cell(serving_->cell);
    cell.stop.store(serving_->serves_to, std::memory_order_release);
    transport::ring_bell(cell.bell);
    watch_deadline(serving_->handing_over_at + release_->manifest.supervision.stop);
}

void Lane::on_handed_over(Completions& done) {
    const WorkerRef worker = serving_;
    step_down(done);
    if (!worker->cause && !begun_calls(*worker).empty()) {
        accuse(*worker, "it handed over before it had answered its calls");
    }
    worker->cause = worker->cause ? worker->cause : Cause::host_request;
    worker->handing_over_at = std::chrono::steady_clock::now();  // and as long again for its end
    if (may_take_over()) {
        take_over(done);
    } else if (!coming_) {
        order_soon();
    }
}

// It was handing over and had answered all its calls: then it died on its way out, and nobody has to do without it.
void Lane::note_way_out(WorkerProcess& dead) {
    if (!dead.cause && dead.handing_over && !was_in_calls(dead) && begun_calls(dead).empty()) {
        dead.cause = Cause::host_request;
    }
}

// The crash handler of the serving worker has begun its work. Requests that it has not begun go to its successor, at
// once if one stands by.
void Lane::on_crash_notice(Completions& done) {
    const WorkerRef worker = serving_;
    worker->crashing = true;
    worker->crashing_at = std::chrono::steady_clock::now();
    replace_serving(done);
    watch_deadline(worker->crashing_at + kCrashPatience);
}

// The kernel says that the serving worker's dispatcher is dead, before it says so of the process. On the thread of the
// caller that reads the replies: it needs to wake nobody but the successor. A worker can write that word too, so it is
// killed. Who takes over need not wait for that, which takes as long as a wake-up: as after a crash handler's word, the
// former has a stop position.
void Lane::on_death_notice(Lock& lock, Completions& done) {
    const WorkerRef former = serving_;
    replace_serving(done);
    lock.unlock();
    done.wake();
    lock.lock();
    former->kill();
    watch_deadline(std::chrono::steady_clock::now() + kSettling);  // should nothing tell of its end
}

// Not when it is on its way out: then its death is no news.
bool Lane::may_serve_on(const WorkerProcess& worker) const {
    return state_ == State::running && worker.serving && !worker.handing_over && !worker.cause;
}

void Lane::replace_serving(Completions& done) {
    const WorkerRef worker = serving_;
    step_down(done);
    if (may_take_over()) {
        take_over(done);
    }
    order_early(*worker);
}

// The next one is there, and may begin.
bool Lane::may_take_over() const {
    return is_vacant() && coming_ && coming_->ready && !coming_->dead && !coming_->cause;
}

// Nobody serves, nobody else is active who must be dead first, and nobody's end may be the plugin's.
bool Lane::is_vacant() const {
    const auto is_in_the_way = [this](const WorkerRef& worker) {
        if (may_be_the_end(*worker)) {
            return true;
        }
        // One that is crashing before it was ready has not said.
        const bool exclusive =
            !worker->ready || (transport::read_once(worker->view.header().traits) & transport::kHasActivate) != 0;
        return exclusive && !worker->dead && (worker->crashing || !worker->handing_over);
    };
    return !serving_ && std::none_of(leaving_.begin(), leaving_.end(), is_in_the_way);
}

// Whether the policy may want that nobody follows. Of a worker that left; bury() will know.
bool Lane::may_be_the_end(const WorkerProcess& former) const {
    const RestartRule rule = release_->manifest.supervision.restart.rule;
    const bool may_have_exited = !former.crashing;
    return former.cause != Cause::host_request &&
           (rule == RestartRule::temporary || (rule == RestartRule::transient && may_have_exited));
}

// Before the exit status is known: if the rule is to restart at once, the time until then is not lost.
void Lane::order_early(const WorkerProcess& worker) {
    const Supervision& supervision = release_->manifest.supervision;
    const bool wanted = !serving_ || serving_->dead || supervision.standby;  // else its successor serves already
    if (!wanted || coming_ || !worker.serving || state_ != State::running ||
        supervision.restart.rule != RestartRule::permanent) {
        return;
    }
    const bool untold = std::any_of(leaving_.begin(), leaving_.end(), [&](const WorkerRef& other) {
        return other.get() != &worker && (other->dead || other->crashing);
    });
    if (untold) {  // the policy has yet to count another death
        return;
    }
    RestartPolicy trial = policy_;
    const auto next = trial.after(WorkerEnd::crash, worker.served_well, std::chrono::steady_clock::now(), 0).next;
    if (next == RestartDecision::Next::at_once) {
        order_next();
    }
}

// At once when nobody serves. A standby can wait until those who just lost a worker have their answers.
void Lane::order_next() {
    if (!serving_ || serving_->dead || serving_->incarnation == 1) {
        order_soon();
    } else if (order_again_at_ == transport::kNoDeadline) {
        order_at(serving_->began_at() + kSettling);
    }
}

void Lane::order_at(SteadyTime when) {
    order_again_at_ = when;
    watch_deadline(when);
}

void Lane::order_soon() {
    order_again_at_ = transport::kNoDeadline;
    runtime_->supervisor.post([self = shared_from_this()] { self->order_worker(); });
}

}  // namespace bulkhead::detail
