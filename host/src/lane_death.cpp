// A lane's worker is dead: its calls, its successor. On the supervisor thread.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

// Its output has come to an end, with all that could write it: it is dying, or has closed everything and lives on.
// Where others keep the output open, the fork server tells of the death.
void Lane::watch_death(const WorkerRef& worker) {
    if (worker->dead || worker->death_watch != 0) {
        return;
    }
    std::error_code error;
    worker->death = worker->process.open(error);
    if (worker->death) {
        worker->death_watch = watch(worker, worker->death, &Lane::on_gone);
    } else if (error == std::errc::no_such_process) {
        on_gone(worker);
    }
    if (worker->death_watch == 0 &&
        !worker->dead) {  // no resources, and this may have been the last that is heard of it
        worker->death.reset();
        const Lock lock(mutex_);
        watch_deadline(std::chrono::steady_clock::now() + kShortageRetry);
    }
}

void Lane::on_exited(std::uint64_t start_id, const transport::ExitedMessage& exit) {
    if (const WorkerRef worker = find_worker(start_id)) {
        worker->exit = exit;
        worker->status_known = true;
        on_gone(worker);
    }
}

void Lane::on_status_lost(std::uint64_t start_id) {
    if (const WorkerRef worker = find_worker(start_id)) {
        worker->status_known = true;
        {
            const Lock lock(mutex_);
            worker->blameless = true;
            worker->kill();
        }
        if (worker->dead) {
            on_gone(worker);
        } else {
            watch_death(worker);
        }
    }
}

// The process is dead. What can be decided without the exit status is decided at once.
void Lane::on_gone(const WorkerRef& worker) {
    Completions done;
    bool first = false;
    {
        const Lock lock(mutex_);
        if (worker == serving_) {
            on_life(worker, done);  // its last news may not have been read yet
        }
        first = !std::exchange(worker->dead, true);
        if (first) {
            worker->died_at = std::chrono::steady_clock::now();
            if (worker == serving_) {
                step_down(done);
            } else if (worker != coming_) {
                drain(*worker, done);
            }
            if (may_take_over()) {
                take_over(done);
            }
            order_early(*worker);
        }
    }
    done.run(*this);
    if (first) {
        runtime_->supervisor.unwatch(worker->death_watch, worker->death.get());
    }
    if (worker->status_known) {
        bury(worker);
    } else {
        const Lock lock(mutex_);
        watch_deadline(worker->died_at + kLateStatus);
    }
}

// Settles everything that hangs on a dead worker.
void Lane::bury(const WorkerRef& worker) {
    if (find_worker(worker->start_id) == nullptr) {
        return;
    }
    stop_watching(runtime_->supervisor, *worker);
    read_output(worker);
    worker->last_words.end_of_output(log_);
    read_log(worker);
    Completions done;
    std::shared_ptr<Report> report;
    bool expected = true;
    if (const Lock lock(mutex_); worker->is_lost_blank()) {
        on_blank_lost(worker, done);
    } else {
        note_way_out(*worker);
        report = make_report(*worker);
        worker->life->report = report;
        expected = report->cause == Cause::host_request;
        if (!expected) {
            save_repro(*report, *worker);
            ++stats_.deaths;
            last_report_ = report;
        }
        log_end(*worker, *report);
        settle_begun(*worker, report, done);
        lose_sessions(*worker, report, done);
        forget(worker);
        settle_succession(*worker, report, done);
        if (may_take_over()) {  // its end might have been the plugin's
            take_over(done);
        }
        callers_.call_reader();
        life_.notify_all();
    }
    done.run(*this);
    if (!expected) {
        tell_death(*worker, report);
    }
}

// It died before it had read its order, with its fork server or by somebody's hand: that is not held against the
// plugin, and nothing of it is worth a report.
void Lane::on_blank_lost(const WorkerRef& worker, Completions& done) {
    forget(worker);
    if (state_ != State::starting && state_ != State::running && state_ != State::backoff) {
        life_.notify_all();
        return;
    }
    const RestartDecision decision = decide_on(WorkerEnd::blameless, false, std::chrono::steady_clock::now());
    if (decision.next == RestartDecision::Next::at_once) {
        order_soon();
    } else if (decision.next == RestartDecision::Next::later) {
        order_at(decision.at);
        if (!serving_ || serving_->dead) {
            enter(State::backoff, "its process ended before it could begin");
            refuse_waiting(nullptr, done);
        }
    } else if (!serving_ || serving_->dead) {
        fail(name_for_sentence() + " cannot be started: " + decision.why, nullptr, done);
    } else {
        go_on_without_successor(decision.why, nullptr);
    }
    life_.notify_all();
}

void Lane::forget(const WorkerRef& worker) {
    std::erase(leaving_, worker);
    if (callers_.reader() == nullptr) {
        looked_at_.reset();
    }
    if (coming_ == worker) {
        coming_.reset();
    }
    if (serving_ == worker) {
        serving_.reset();
    }
    note_if_stopped();
}

void Lane::note_if_stopped() {
    if (state_ == State::stopping && !serving_ && !coming_ && leaving_.empty()) {
        enter(State::stopped, "it was told to stop");
    }
}

WorkerEnd Lane::end_of(const WorkerProcess& dead, const Report& report) {
    if (dead.blameless || report.cause == Cause::unknown) {
        return WorkerEnd::blameless;
    }
    if (!dead.was_in_service()) {
        return WorkerEnd::failed_start;
    }
    return report.cause == Cause::exit && report.exit_code == 0 ? WorkerEnd::exit : WorkerEnd::crash;
}

// What comes after the end of a worker.
void Lane::settle_succession(WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done) {
    if (state_ == State::stopping || state_ == State::stopped || state_ == State::fatal) {
        return;
    }
    if (dead.cause == Cause::host_request) {  // also when it crashed on its way out: nobody has to do without it
        if (!coming_ && (!serving_ || release_->manifest.supervision.standby || handover_wanted_)) {
            order_soon();
        }
        return;
    }
    const std::uint32_t deaths_by_state = deaths_by_state_;
    if (blames_state(dead, *report)) {
        put_state_aside(report->clause());
        if (release_->manifest.state.when_refused == RefusedState::stay_down) {
            fail(name_for_sentence() + " stays down: its state could not be loaded: its worker " + report->clause(),
                 report, done);
        } else if (!coming_) {
            order_soon();
        }
        return;
    }
    if (deaths_by_state_ > deaths_by_state) {  // it may have been chance: once more
        order_soon();
        return;
    }
    const WorkerEnd end = end_of(dead, *report);
    if (!start_over_ && end != WorkerEnd::blameless) {
        const std::string why = report->cause == Cause::start_failure
                                    ? report->detail + (report->step.empty() ? "" : " " + report->step)
                                    : "its worker " + report->clause();
        fail(name_for_sentence() + " cannot be started: " + why, report, done);
        return;
    }
    const bool lived = report->uptime > release_->manifest.supervision.restart.burst.within;
    const bool served = dead.served_well || lived || (end == WorkerEnd::blameless && dead.was_in_service());
    if (end == WorkerEnd::failed_start && handover_wanted_) {
        go_on_without_successor("it " + report->clause(), report);
    }
    follow(decide_on(end, served, dead.died_at), dead, report, done);
}

RestartDecision Lane::decide_on(WorkerEnd end, bool served, SteadyTime died_at) {
    RestartDecision decision = policy_.after(end, served, died_at, random_());
    if (decision.next == RestartDecision::Next::give_up && end == WorkerEnd::blameless && start_over_) {
        // It has run before, so it may well be another plugin that kills the fork server.
        return {RestartDecision::Next::later, died_at + release_->manifest.supervision.restart.backoff.cap, {}};
    }
    return decision;
}

// Whoever serves goes on, and is not replaced for now.
void Lane::go_on_without_successor(const std::string& why, const std::shared_ptr<const Report>& report) {
    if (!std::exchange(handover_wanted_, false)) {
        return;
    }
    not_replaced_ = {why, report};
    log_.line(LogSource::host, LogLevel::error, "its worker is not replaced by the next one: " + why);
    if (serving_ && serving_->recycle_at == transport::kNoDeadline &&
        serving_->recycle_from == transport::kNoPosition) {  // its time had come, and comes again
        plan_recycling();
    }
}

void Lane::follow(const RestartDecision& decision, const WorkerProcess& dead,
                  const std::shared_ptr<const Report>& report, Completions& done) {
    const bool spare = serving_ && !serving_->dead;
    const bool only_stood_by = spare && dead.serves_from == transport::kNoPosition;
    const bool wanted = !spare || release_->manifest.supervision.standby || handover_wanted_;
    switch (decision.next) {
        case RestartDecision::Next::at_once:
            if (wanted && !coming_) {
                order_next();
            }
            if (!(serving_ && serving_->ready) && !may_take_over() && state_ != State::starting) {
                enter(State::starting, "its worker " + report->clause(), report);
            }
            break;
        case RestartDecision::Next::later:
            if (!wanted || coming_) {
                break;
            }
            order_at(decision.at);
            if (!spare) {
                log_.line(LogSource::host, LogLevel::warning, "its next worker is started in " + rest_of(decision.at));
                enter(State::backoff, "its worker " + report->clause(), report);
                refuse_waiting(report, done);
            }
            break;
        case RestartDecision::Next::stay_down:
            if (only_stood_by) {
                go_on_without_successor(decision.why, report);
            } else {
                log_.line(LogSource::host, LogLevel::warning, "it stays down: " + decision.why);
                enter(State::stopping, decision.why, report);
                begin_end(done);
                runtime_->supervisor.post([self = shared_from_this()] { self->drop_unstarted(); });
                if (!serving_ && !coming_ && leaving_.empty()) {
                    enter(State::stopped, decision.why, report);
                }
            }
            break;
        case RestartDecision::Next::give_up:
            if (only_stood_by) {
                go_on_without_successor(decision.why, report);
                order_at(std::chrono::steady_clock::now() + release_->manifest.supervision.restart.backoff.cap);
            } else {
                const std::string what = start_over_ ? "" : name_for_sentence() + " cannot be started: ";
                fail(what + decision.why + ", at last it " + report->clause(), report, done);
            }
            break;
    }
}

// What becomes of the calls that it had begun. All of its threads are dead, so nothing of them runs any more: those
// that may be repeated are.
void Lane::settle_begun(WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done) {
    const std::vector<PendingCall*> begun = begun_calls(dead);
    const bool blamed = is_blamed(*report) && was_in_calls(dead);
    PendingCall* const guilty = blamed ? culprit(dead) : nullptr;
    const bool barred = guilty != nullptr && charge(*guilty, dead.died_at);
    std::vector<PendingCall*> again;
    bool suspect_gone = false;
    for (PendingCall* call : begun) {
        if (may_repeat(dead, *call) && !(call == guilty && barred)) {
            again.push_back(call);
            continue;
        }
        call->released = true;
        suspect_gone = suspect_gone || call->suspect;
        if (call->state == PendingCall::State::decided) {
            maybe_free(*call);
            continue;
        }
        Outcome outcome;
        outcome.code = report->cause == Cause::protocol_violation ? ErrorCode::protocol_violation
                       : call == guilty && barred                 ? ErrorCode::quarantined
                                                                  : ErrorCode::crashed;
        outcome.effect = is_in_checkpoint(dead, *call) ? Effect::committed : Effect::unknown;
        outcome.report = report;
        decide(*call, std::move(outcome), done);
    }
    repeat(again, guilty == nullptr && blamed);
    if (suspect_gone) {
        publish_next_suspect();
    }
}

bool Lane::may_repeat(const WorkerProcess& dead, const PendingCall& call) const {
    const bool going = state_ != State::stopping && state_ != State::stopped && state_ != State::fatal;
    return going && !dead.accused && call.state == PendingCall::State::open && call.idempotent &&
           !is_lost(call.session) && call.attempts < release_->manifest.supervision.retries &&
           dead.died_at < call.deadline;
}

// With a culprit the others were merely in flight. Without one they run one at a time, so that the next death tells.
void Lane::repeat(const std::vector<PendingCall*>& calls, bool culprit_unknown) {
    const bool one_at_a_time = culprit_unknown && calls.size() > 1;
    for (PendingCall* call : calls) {
        ++call->attempts;
        ++stats_.retries;
        call->suspect = call->suspect || one_at_a_time;  // one of several goes on being it: the others wait for its end
        call->position = transport::kNoPosition;
        if (one_at_a_time) {
            suspects_.push_back(call->id);
        } else {
            publish(*call);
            announce();
        }
    }
    if (one_at_a_time) {
        publish_next_suspect();
    }
}

// Calls of the dead worker's sessions that had not begun, and those that it answered too late.
void Lane::lose_sessions(const WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done) {
    for (PendingCall* call : calls_.published()) {
        if (call->state != PendingCall::State::open || !call->lost) {
            continue;
        }
        if (call->session->life == dead.life) {
            expire(*call, ErrorCode::session_lost, done, report);
        } else if (call->position >= dead.serves_from && call->position < dead.serves_to) {
            expire(*call, ErrorCode::crashed, done, report);
        }
    }
    announce_room();  // also for those who wait for room in a session that is lost
}

void Lane::fail(const std::string& sentence, const std::shared_ptr<const Report>& report, Completions& done) {
    if (start_over_) {
        log_.line(LogSource::host, LogLevel::error, "it is given up: " + sentence);
    }
    failure_ = sentence;
    last_report_ = report;
    start_over_ = true;
    handover_wanted_ = false;
    order_again_at_ = transport::kNoDeadline;
    stop_by_ = std::chrono::steady_clock::now() + release_->manifest.supervision.stop;
    watch_deadline(stop_by_);
    dismiss(serving_);
    dismiss(coming_);
    enter(State::fatal, sentence, report);
    refuse_waiting(report, done);
}

}  // namespace bulkhead::detail
