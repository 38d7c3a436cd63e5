// The supervisor as the reader: when no caller blocks. While answers follow each other closely it looks for the next
// one itself, as a caller would, so that neither side needs a system call for it.
#include <bulkhead/transport/waiting.hpp>
#include <thread>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

// At a stretch. Then whatever else happened on the host has its turn.
constexpr std::chrono::microseconds kLongestReading{100};

}  // namespace

void Lane::read_for_a_while(const WorkerRef& worker) {
    SteadyTime now;
    transport::RingReader next;  // where the next answer will be
    std::optional<SteadyTime> end;
    // A crash handler that sees somebody look gives no signal for now.
    const std::atomic<std::uint32_t>& crashing = worker->view.header().crashing;
    const std::uint32_t crashing_seen = crashing.load(std::memory_order_relaxed);
    for (;;) {
        Completions done;
        const Reading reading = read_on_supervisor(worker, done, now, next);
        run_handlers(done);
        if (reading == Reading::nothing_expected) {
            return;
        }
        if (!end) {
            end = now + kLongestReading;
        }
        if (now >= *end) {
            break;
        }
        if (reading == Reading::may_come) {
            const auto arrived = [&] {
                next.prefetch_next();
                return next.ready() || crashing.load(std::memory_order_relaxed) != crashing_seen;
            };
            if (!transport::spin_until(arrived, spin_budget_)) {
                stop_reading(worker);
                return;
            }
        }
    }
    worker->reading_posted = runtime_->supervisor.post([self = shared_from_this(), worker] {
        worker->reading_posted = false;
        self->read_for_a_while(worker);
    });
    if (!worker->reading_posted) {
        stop_reading(worker);
    }
}

Lane::Reading Lane::read_on_supervisor(const WorkerRef& worker, Completions& done, SteadyTime& now,
                                       transport::RingReader& next) {
    const Lock lock(mutex_);
    supervisor_reads_ = false;
    if (worker != serving_ || callers_.reader() != nullptr) {
        if (nobody_reads()) {  // who called meanwhile relied on us
            let_supervisor_read(done);
        }
        return Reading::nothing_expected;  // by us
    }
    if (worker->view.header().crashing.load(std::memory_order_acquire) != 0 && may_serve_on(*worker)) {
        on_crash_notice(done);
        return Reading::nothing_expected;
    }
    set_host_waits(transport::kHostLooks);
    drain(done);
    now = clock_.now();
    if (spin_budget_.count() == 0 || !is_readable()) {
        if (calls_.in_use() > 0) {
            let_supervisor_read(done);
        }
        return Reading::nothing_expected;
    }
    if (done.empty() && calls_.in_use() == 0) {
        return Reading::nothing_expected;
    }
    supervisor_reads_ = true;
    next = worker->replies;
    return done.empty() ? Reading::may_come : Reading::something_came;
}

void Lane::run_handlers(Completions& done) {
    if (done.empty()) {
        return;
    }
    {
        const Lock lock(mutex_);
        handlers_run_on_ = std::this_thread::get_id();
    }
    done.run(*this);
    const Lock lock(mutex_);
    handlers_run_on_ = {};
    publish_put_off();
    transport::full_fence();
    announce();
}

void Lane::stop_reading(const WorkerRef& worker) {
    Completions done;
    {
        const Lock lock(mutex_);
        supervisor_reads_ = false;
        if (worker == serving_ && nobody_reads()) {
            let_supervisor_read(done);
        }
    }
    done.run(*this);
}

}  // namespace bulkhead::detail
