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
        SteadyTime next = check_calls(now, done);
        if (coming_ && !coming_->ready && !coming_->dead) {
            const SteadyTime due = coming_->ordered_at + release_->manifest.supervision.start;
            if (due <= now) {
                coming_->end(Cause::start_failure, "was not ready within " +
                                                       std::to_string(release_->manifest.supervision.start.count()) +
                                                       " ms" + step_of(*coming_));
                if (!coming_->pidfd) {
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
    const auto grace = release_->manifest.supervision.hang_grace;
    SteadyTime next = transport::kNoDeadline;
    if (reader_ == nullptr) {
        drain(done);
    }
    const std::uint64_t begun = serving_ && !serving_->accused ? refresh_begun(*serving_) : 0;
    bool busy = false;  // with a call that may still take its time
    bool stuck_begun = false;
    bool stuck_waiting = false;
    for (PendingCall* call : calls_.published()) {
        if (call->state == PendingCall::State::open && call->waiter->asynchronous) {
            if (call->deadline <= now) {
                expire(*call, ErrorCode::timed_out, done);
            } else {
                next = std::min(next, call->deadline);
            }
        }
        const bool has_begun = call->position < begun;
        if (call->state == PendingCall::State::open) {
            busy = busy || has_begun;
        } else if (call->state == PendingCall::State::decided && !call->released &&
                   call->deadline != transport::kNoDeadline) {
            const SteadyTime due = call->deadline + grace;
            if (due > now) {
                next = std::min(next, due);
            } else {
                (has_begun ? stuck_begun : stuck_waiting) = true;
            }
        }
    }
    if (serving_ && !serving_->dead && !serving_->cause && (stuck_begun || (stuck_waiting && !busy))) {
        serving_->end(Cause::hang, "");
    }
    if (reader_ == nullptr && calls_.in_use() > 0) {
        let_supervisor_read(done);
    }
    return next;
}

}  // namespace bulkhead::detail
