// How a caller that blocks comes to its outcome: it reads the replies, or sleeps while another one does (Callers). When
// no caller blocks the supervisor reads, through the worker's pipe.
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <thread>

#include "lane.hpp"
#include "reply_check.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

constexpr int kLooksForAnswer = 4;
constexpr unsigned kAnswersPerClock = 16;  // their time is a few microseconds, or as many wake-ups, too early at most
// A successor's first answer takes a few wake-ups' time: it has a state to load, and all that it touches is cold. Who
// slept meanwhile would have to be woken on top of that.
constexpr std::chrono::microseconds kFirstAnswer{200};

// Looks like spin_until(), but lets whoever waits for this core have it: it may be who is looked out for.
template <typename Done>
bool yield_until(Done&& done, std::chrono::nanoseconds patience) {
    const SteadyTime end = std::chrono::steady_clock::now() + patience;
    while (!done() && std::chrono::steady_clock::now() < end) {
        std::this_thread::yield();
    }
    return done();
}

}  // namespace

void Lane::enlist(SyncWaiter& waiter, SteadyTime begin) {
    callers_.enlist(waiter, begin);
    if (callers_.reader() == &waiter) {
        set_host_waits(transport::kHostLooks);
    }
}

void Lane::await(Lock& lock, SyncWaiter& waiter, std::uint64_t call_id, SteadyTime deadline, Completions& done) {
    for (bool first = true;; first = false) {
        if (callers_.reader() == &waiter) {
            drain(done);
            callers_.wake_overdue(decided_at_);
        } else if (callers_.reader() == nullptr) {
            end_overdue_turn(clock_.now(), done);
        }
        if (!done.empty()) {  // others must not wait for us
            lock.unlock();
            done.run(*this);
            lock.lock();
        }
        if (waiter.done) {
            break;
        }
        if (!first && std::chrono::steady_clock::now() >= deadline) {
            drain(done);  // between two calls of somebody's turn nobody reads
            if (!waiter.done) {
                expire(*calls_.find(call_id), ErrorCode::timed_out, done);
            }
            break;
        }
        if (callers_.reader() == &waiter) {
            look(lock, deadline, done);
        } else {
            lock.unlock();
            transport::futex_wait(waiter.word, SyncWaiter::kWaiting, deadline);
            lock.lock();
        }
    }
    leave(waiter, done);
}

// Waits without the lock until the worker wrote something or somebody wants the reader's attention.
void Lane::look(Lock& lock, SteadyTime deadline, Completions& done) {
    WorkerProcess* const worker = is_readable() ? serving_.get() : nullptr;
    std::atomic<std::uint32_t>& called = callers_.reader_word();
    const std::uint32_t word = called.load(std::memory_order_relaxed);
    if (worker == nullptr) {
        callers_.wake_answered(clock_.now());
        const std::atomic<std::uint32_t>& first_answer = outbox_.first_answer();
        lock.unlock();
        transport::futex_wait_either(first_answer, 0, called, word, deadline);
        lock.lock();
        return;
    }
    // A caller that spins here needs nobody to wake it when the worker dies.
    const std::atomic<std::uint32_t>& crashing = worker->view.header().crashing;
    const std::atomic<std::uint32_t>& death = worker->view.header().death.word;
    const std::uint32_t crashing_seen = crashing.load(std::memory_order_acquire);
    const std::uint32_t death_seen = death.load(std::memory_order_acquire);
    if (may_serve_on(*worker)) {
        if (crashing_seen != 0) {
            on_crash_notice(done);
            return;
        }
        if (worker->has_lost_dispatcher()) {
            on_death_notice(lock, done);
            return;
        }
    }
    if (looked_at_.get() != worker) {
        looked_at_ = serving_;
    }
    const std::atomic<std::uint64_t>& sequence = *worker->replies.next_sequence();
    const std::uint64_t position = worker->replies.position();
    const auto arrived = [&] {
        // Nearly always it is the answer, so it is looked for more often than all else.
        for (int look = 0; look < kLooksForAnswer; ++look) {
            transport::RingReader::prefetch_second_line(&sequence);
            if (sequence.load(std::memory_order_acquire) > position) {
                return true;
            }
        }
        return called.load(std::memory_order_relaxed) != word ||
               crashing.load(std::memory_order_relaxed) != crashing_seen ||
               death.load(std::memory_order_relaxed) != death_seen;
    };
    worker->replies.prefetch_after_next();  // drain() will look whether there is more
    std::chrono::nanoseconds budget = transport::spin_budget_after(spin_budget_, callers_.reader()->request_size);
    // One that crashes leaves its core to its successor; one that was killed does not, so who waits had better sleep.
    const bool has_core = !leaving_.empty() && leaving_.back()->crashing;
    const bool first = budget.count() > 0 && position == 0 && has_core;
    if (first) {
        budget = std::max<std::chrono::nanoseconds>(budget, kFirstAnswer);
    }
    if (!worker->ready) {  // it needs the core
        budget = {};
    }
    stats_.spins += budget.count() > 0 ? 1 : 0;
    lock.unlock();
    const bool seen = first ? yield_until(arrived, budget) : transport::spin_until(arrived, budget);
    lock.lock();
    if (seen || serving_.get() != worker) {
        return;
    }
    callers_.wake_answered(clock_.now());
    const std::atomic<std::uint32_t>& bell = worker->view.header().bell;
    const std::uint32_t bell_seen = bell.load(std::memory_order_acquire);
    set_host_waits(transport::kHostParked);
    lock.unlock();
    transport::full_fence();
    if (!arrived()) {
        transport::futex_wait_any({bell, bell_seen}, {called, word}, {death, death_seen}, deadline);
    }
    lock.lock();
    if (serving_.get() == worker) {
        set_host_waits(transport::kHostLooks);
    }
}

void Lane::drain(Completions& done) {
    if (serving_) {
        drain(*serving_, done);
    }
}

// Whether what the serving worker answers is taken. What one answers that is ended before it was ready never is.
bool Lane::is_readable() const { return serving_ && !serving_->accused && (serving_->ready || !serving_->cause); }

// Who reads may be the first to see that it is ready.
bool Lane::may_read(WorkerProcess& worker) {
    const bool replied = worker.replies.ready();
    if (note_ready(worker)) {
        return true;
    }
    if (replied && !worker.cause) {
        accuse(worker, "a reply before it was ready");
    }
    return false;
}

void Lane::drain(WorkerProcess& worker, Completions& done) {
    if (!worker.ready && !may_read(worker)) {
        return;
    }
    transport::Message of_another;
    for (unsigned taken = 0; !worker.accused; ++taken) {
        // Nearly always it is the reader's own, which need not be copied then.
        SyncWaiter* const reader = callers_.reader();
        transport::Message& message = reader != nullptr && !reader->done ? reader->outcome.message : of_another;
        switch (worker.replies.take(message)) {
            case transport::RingReader::Take::nothing:
                return;
            case transport::RingReader::Take::violation:
                accuse(worker, "a reply with a sequence number from the future");
                return;
            case transport::RingReader::Take::message:
                break;
        }
        const ReplyVerdict verdict = check_reply(message, worker.view, release_->geometry, worker.incarnation, calls_);
        if (verdict.broken_rule != nullptr) {
            accuse(worker, verdict.broken_rule);
            return;
        }
        const std::uint64_t position = verdict.call->position;
        if (position < worker.serves_from || position >= worker.serves_to) {
            accuse(worker, "a reply to a call of another worker");
            return;
        }
        if (message.deadline != 0 && !commit_checkpoint(worker, message.deadline)) {
            return;
        }
        if (taken % kAnswersPerClock == 0 || message.deadline != 0) {  // a checkpoint takes long
            decided_at_ = clock_.now();
        }
        settle(worker, *verdict.call, message, done);
    }
}

// The caller's call has its outcome.
void Lane::leave(SyncWaiter& waiter, Completions& done) {
    if (callers_.reader() == &waiter && looked_at_ != serving_) {
        looked_at_.reset();
    }
    if (callers_.leave(waiter, clock_) && nobody_reads()) {
        let_supervisor_read(done);
        watch_deadline(decided_at_ + kDispatcherLook);
    }
    watch_deadline(callers_.due());
}

void Lane::end_overdue_turn(SteadyTime now, Completions& done) {
    if (callers_.end_overdue_turn(now) && nobody_reads()) {
        let_supervisor_read(done);
    }
    watch_deadline(callers_.due());
}

// But somebody should.
bool Lane::nobody_reads() const { return callers_.reader() == nullptr && calls_.in_use() > 0; }

void Lane::let_supervisor_read(Completions& done) {
    while (is_readable()) {
        set_host_waits(transport::kHostPolls);
        transport::full_fence();
        if (!serving_->replies.ready()) {
            return;
        }
        set_host_waits(transport::kHostLooks);
        drain(done);
    }
}

void Lane::set_host_waits(std::uint32_t how) {
    if (serving_ && host_waits_ != how) {
        host_waits_ = how;
        outbox_.worker_cell(serving_->cell).host_waits.store(how, std::memory_order_relaxed);
    }
}

void Lane::watch_deadline(SteadyTime when) {
    if (when < armed_) {
        armed_ = when;
        runtime_->supervisor.arm(timer_, when);
    }
}

void Lane::watch_deadline(SteadyTime when, Completions& done) {
    if (when < armed_) {
        armed_ = when;
        if (runtime_->supervisor.arm_without_poke(timer_, when)) {
            done.poke_after(runtime_->supervisor);
        }
    }
}

}  // namespace bulkhead::detail
