// What a lane does when time passes: deadlines of asynchronous calls, hangs, starts that take too long. On the
// supervisor thread.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

void Lane::on_timer() {
    Completions done;
    WorkerRef overdue;
    bool order = false;
    {
        const Lock lock(mutex_);
        armed_ = transport::kNoDeadline;
        const SteadyTime now = std::chrono::steady_clock::now();
        SteadyTime next = std::min(check_calls(now, done), expire_deferred(now, done));
        if (coming_ && !coming_->ready && !coming_->dead) {
            const SteadyTime due = coming_->ordered_at + release_->manifest.supervision.start;
            if (due <= now) {
                coming_->end(
                    Cause::start_failure,
                    "it was not ready within " + std::to_string(release_->manifest.supervision.start.count()) + " ms");
                if (!coming_->pidfd) {
                    runtime_->launcher->withdraw(coming_->start_id);
                    on_shortage("no process could be made in time");
                }
            } else {
                next = std::min(next, due);
            }
        }
        for (const WorkerRef& worker : {serving_, coming_}) {
            if (worker && worker->dead) {
                const SteadyTime due = worker->died_at + kStatusPatience;
                overdue = due <= now ? worker : overdue;
                next = due <= now ? next : std::min(next, due);
            }
        }
        if (order_again_at_ <= now) {
            order_again_at_ = transport::kNoDeadline;
            order = !coming_;
        }
        next = std::min(next, order_again_at_);
        if (next != transport::kNoDeadline) {
            watch_deadline(next);
        }
    }
    done.run(*this);
    if (overdue) {
        overdue->status_known = true;
        bury(overdue);
    }
    if (order) {
        order_worker();
    }
}

// Ends asynchronous calls past their deadline, and a worker that does not let go of one. The next time to look.
SteadyTime Lane::check_calls(SteadyTime now, Completions& done) {
    drain(done);  // before anybody is blamed for an answer that lies here
    wake_reader();
    SteadyTime next = transport::kNoDeadline;
    for (PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open && call->waiter->asynchronous) {
            if (call->deadline <= now) {
                expire(*call, ErrorCode::timed_out, done);
            } else {
                next = std::min(next, call->deadline);
            }
        }
    }
    if (serving_ && !serving_->dead && !serving_->accused) {
        next = std::min(next, check_hang(*serving_, now));
    }
    if (reader_ == nullptr && calls_.in_use() > 0) {
        let_supervisor_read(done);
    }
    return next;
}

// A worker hangs when it still holds a call that it was running at its deadline, or does not even take the next one
// although nothing keeps it busy; each for longer than the grace.
SteadyTime Lane::check_hang(WorkerProcess& worker, SteadyTime now) {
    const auto grace = release_->manifest.supervision.hang_grace;
    const std::uint64_t begun = refresh_begun(worker);
    if (begun != worker.progress_begun) {
        worker.progress_begun = begun;
        worker.progress_at = now;
    }
    bool busy = false;  // with a call that may still take its time
    SteadyTime holds_until = transport::kNoDeadline;
    SteadyTime idles_until = transport::kNoDeadline;
    for (const PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open) {
            busy = busy || call->position < begun;
        } else if (!call->released && call->deadline != transport::kNoDeadline) {
            SteadyTime& due = call->ran ? holds_until : idles_until;
            due = std::min(due, std::max(call->deadline, call->ran ? call->deadline : worker.progress_at) + grace);
        }
    }
    const SteadyTime due = busy ? holds_until : std::min(holds_until, idles_until);
    if (due <= now) {
        worker.end(Cause::hang, "");
        return transport::kNoDeadline;
    }
    return std::min(holds_until, busy ? std::max(idles_until, now + grace) : idles_until);
}

}  // namespace bulkhead::detail
