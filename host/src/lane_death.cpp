// A lane's worker is dead: its calls, its successor. On the supervisor thread.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

void Lane::on_pidfd(const WorkerRef& worker) { on_gone(worker); }

void Lane::on_exited(const transport::ExitedMessage& exit) {
    if (const WorkerRef worker = find_worker(exit.start_id)) {
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
            if (std::exchange(worker->restart_counted, false) && !restart_times_.empty()) {
                restart_times_.pop_back();  // ordered before we knew whose fault it was
            }
        }
        worker->kill();
        if (worker->dead) {
            on_gone(worker);
        }
    }
}

// The process is dead. Its replacement starts while we wait for the exit status.
void Lane::on_gone(const WorkerRef& worker) {
    bool first = false;
    {
        const Lock lock(mutex_);
        first = !std::exchange(worker->dead, true);
        if (first) {
            worker->died_at = std::chrono::steady_clock::now();
        }
    }
    if (first) {
        runtime_->supervisor.unwatch(worker->pidfd_watch, worker->pidfd.get());
        if (worker->ready) {
            replace_worker(*worker);
        }
    }
    if (worker->status_known) {
        bury(worker);
    } else {
        const Lock lock(mutex_);
        watch_deadline(worker->died_at + kStatusPatience);
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
    bool asked_for = false;
    {
        const Lock lock(mutex_);
        if (worker == serving_) {
            drain(done);
        }
        report = make_report(*worker);
        worker->life->report = report;
        asked_for = state_ == State::stopped && report->cause == Cause::host_request;
        if (!asked_for) {
            ++stats_.deaths;
            last_report_ = report;
            log_.line(LogSource::host, LogLevel::error, "its worker " + report->clause());
        }
        if (worker == serving_) {
            inherit(*worker, report, done);
            serving_.reset();
        } else {
            coming_.reset();
        }
        settle_succession(worker, report, done);
        wake_reader();
        life_.notify_all();
    }
    done.run(*this);
    replace_worker(*worker);
    if (!asked_for) {
        tell_death(report);
    }
}

// Who serves next, or why nobody does.
void Lane::settle_succession(const WorkerRef& dead, const std::shared_ptr<Report>& report, Completions& done) {
    if (state_ == State::stopped) {
        return;
    }
    if (!first_start_over_) {
        const std::string why = report->cause == Cause::start_failure
                                    ? report->detail + (report->step.empty() ? "" : " " + report->step)
                                    : "its worker " + report->clause();
        fail("plugin " + release_->manifest.name + " cannot be started: " + why, report, done);
    } else if (coming_ && coming_->ready && !serving_) {
        take_over(done);
    } else if (!coming_ && !serving_ && order_again_at_ == transport::kNoDeadline && !dead->blameless &&
               restart_limit_reached(dead->died_at)) {
        fail("its worker died too often (" + std::to_string(release_->manifest.supervision.restarts) +
                 " restarts within " + std::to_string(release_->manifest.supervision.within.count()) +
                 " ms are allowed), at last it " + report->clause(),
             report, done);
    } else if (!serving_) {
        state_ = State::starting;
    }
}

void Lane::inherit(WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done) {
    constexpr std::uint8_t kMaxAttempts = 3;
    const std::uint64_t begun = dead.accused ? outbox_.requests().head() : refresh_begun(dead);
    const SteadyTime now = std::chrono::steady_clock::now();
    std::vector<PendingCall*> again;
    for (PendingCall* call : calls_.published()) {
        if (call->position >= begun || call->released) {
            // It lies in the ring for the next worker, or only waits for its reply to be copied.
            if (call->state == PendingCall::State::open && lost_with(dead, *call)) {
                expire(*call, ErrorCode::session_lost, done, report);
            }
            continue;
        }
        const bool retry = call->state == PendingCall::State::open && call->idempotent && !lost_with(dead, *call) &&
                           call->attempts + 1 < kMaxAttempts && now < call->deadline && state_ != State::stopped;
        if (retry) {
            again.push_back(call);
            continue;
        }
        call->released = true;
        if (call->state == PendingCall::State::decided) {
            maybe_free(*call);
            continue;
        }
        Outcome outcome;
        outcome.code = report->cause == Cause::protocol_violation ? ErrorCode::protocol_violation : ErrorCode::crashed;
        outcome.effect = Effect::unknown;
        outcome.report = report;
        decide(*call, std::move(outcome), done);
    }
    served_from_ = begun;
    announce_room();  // also for those who wait for room in a session that is lost
    for (PendingCall* call : again) {
        ++call->attempts;
        ++stats_.retries;
        call->position = outbox_.requests().publish(call->message);
    }
}

bool Lane::lost_with(const WorkerProcess& dead, const PendingCall& call) const {
    return call.session && call.session->life == dead.life;
}

bool Lane::restart_limit_reached(SteadyTime now) {
    const Supervision& supervision = release_->manifest.supervision;
    while (!restart_times_.empty() && now - restart_times_.front() > supervision.within) {
        restart_times_.pop_front();
    }
    return restart_times_.size() >= supervision.restarts;
}

void Lane::replace_worker(WorkerProcess& dead) {
    {
        const Lock lock(mutex_);
        const SteadyTime now = std::chrono::steady_clock::now();
        const bool wanted = (state_ == State::starting || state_ == State::serving) && first_start_over_ && !coming_ &&
                            (!serving_ || serving_->dead) && order_again_at_ == transport::kNoDeadline;
        if (!wanted || (!dead.blameless && restart_limit_reached(now))) {
            return;
        }
        if (!dead.blameless) {
            restart_times_.push_back(now);
            dead.restart_counted = true;
        }
        ++stats_.restarts;
    }
    order_worker();
}

void Lane::fail(const std::string& sentence, const std::shared_ptr<const Report>& report, Completions& done) {
    if (first_start_over_) {
        log_.line(LogSource::host, LogLevel::error, "it is given up: " + sentence);
    }
    state_ = State::failed;
    failure_ = sentence;
    last_report_ = report;
    first_start_over_ = true;
    decide_all(ErrorCode::unavailable, report, done);
    life_.notify_all();
}

}  // namespace bulkhead::detail
