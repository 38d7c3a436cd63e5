// Who reads the replies. At any time at most one thread waits on the worker's bell: a caller that is the
// reader and delivers to the others, or, when no caller blocks, the supervisor through the worker's pipe.
//
// Callers that call again and again (brisk ones) take turns: waking one costs as much as a hundred calls, and if each
// answer woke its caller, several of them would get less done than one. The one whose turn it is reads, and makes its
// calls, for kTurn; the answers of the other brisk ones are read and kept, and they are woken when it is their turn,
// or when the reader has to sleep itself. A caller that is not brisk is woken at once, and keeps no turn. Who is woken
// may have to wait for a core, which a caller that never sleeps does not give up before the scheduler's tick; so it
// counts as one that waits for a turn. Should the one whose turn it is not come back from between two calls, the
// supervisor's timer ends the turn. Deadlines do not care for turns: each sleeper wakes at its own.
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <thread>

#include "lane.hpp"
#include "reply_check.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

constexpr std::chrono::microseconds kTurn{500};
constexpr std::chrono::microseconds kTurnGrace{500};  // until the supervisor looks after it
constexpr std::chrono::microseconds kRightAfter{20};
constexpr std::uint32_t kBriskStreak = 3;
constexpr int kLooksForAnswer = 4;
constexpr unsigned kAnswersPerClock = 16;  // their time is a few microseconds, or as many wake-ups, too early at most
// A successor's first answer takes a few wake-ups' time: it has a state to load, and all that it touches is cold. Who
// slept meanwhile would have to be woken on top of that.
constexpr std::chrono::microseconds kFirstAnswer{200};

thread_local CallerPace pace_of_this_thread;

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
    const bool nobody_sleeps = reader_ == nullptr && sleepers_.empty() && answered_.empty();
    const bool alone = nobody_sleeps && woken_.empty();
    if (!alone) {
        CallerPace& pace = pace_of_this_thread;
        pace.streak = pace.lane == this && begin - pace.left < kRightAfter ? pace.streak + 1 : 0;
        pace.lane = this;
        waiter.pace = &pace;
        waiter.brisk = pace.streak >= kBriskStreak;
    }
    const bool has_turn = turn_holder_ == waiter.pace && begin < turn_until_;
    if (alone || (reader_ == nullptr && has_turn) || (nobody_sleeps && turn_holder_ == nullptr)) {
        turn_holder_ = nullptr;
        reader_ = &waiter;
        set_host_waits(transport::kHostLooks);
        return;
    }
    sleepers_.add(waiter);
}

// It has its outcome.
void Lane::wake(SyncWaiter& sleeper) {
    sleeper.queue->remove(sleeper);
    woken_.add(sleeper);
    sleeper.woken_at = clock_.now();
    sleeper.word.store(SyncWaiter::kDone, std::memory_order_release);
    transport::futex_wake(sleeper.word);
}

void Lane::wake_answered() {
    while (SyncWaiter* const sleeper = answered_.first()) {
        wake(*sleeper);
    }
}

// Whether one that was answered need not be woken before its turn.
bool Lane::may_sleep_on(const SyncWaiter& sleeper) const {
    const bool somebody_has_a_turn = turn_holder_ != nullptr || (reader_ != nullptr && reader_->brisk);
    return sleeper.outcome.replied && sleeper.brisk && somebody_has_a_turn && decided_at_ < turn_until_;
}

void Lane::await(Lock& lock, SyncWaiter& waiter, std::uint64_t call_id, SteadyTime deadline, Completions& done) {
    for (bool first = true;; first = false) {
        if (reader_ == &waiter) {
            drain(done);
            if (!answered_.empty() && decided_at_ >= turn_until_) {  // the turn is over, and our call still runs
                wake_answered();
            }
        } else if (reader_ == nullptr) {
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
        if (reader_ == &waiter) {
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
    const std::uint32_t word = reader_word_.load(std::memory_order_relaxed);
    if (worker == nullptr) {
        wake_answered();
        const std::atomic<std::uint32_t>& first_answer = outbox_.first_answer();
        lock.unlock();
        transport::futex_wait_either(first_answer, 0, reader_word_, word, deadline);
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
        if ((death_seen & transport::kDispatcherDied) != 0) {
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
        return reader_word_.load(std::memory_order_relaxed) != word ||
               crashing.load(std::memory_order_relaxed) != crashing_seen ||
               death.load(std::memory_order_relaxed) != death_seen;
    };
    worker->replies.prefetch_after_next();  // drain() will look whether there is more
    std::chrono::nanoseconds budget = transport::spin_budget_after(spin_budget_, reader_->request_size);
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
    wake_answered();
    const std::atomic<std::uint32_t>& bell = worker->view.header().bell;
    const std::uint32_t bell_seen = bell.load(std::memory_order_acquire);
    set_host_waits(transport::kHostParked);
    lock.unlock();
    transport::full_fence();
    if (!arrived()) {
        transport::futex_wait_any({bell, bell_seen}, {reader_word_, word}, {death, death_seen}, deadline);
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
        transport::Message& message = reader_ != nullptr && !reader_->done ? reader_->outcome.message : of_another;
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
    if (waiter.queue != nullptr) {
        waiter.queue->remove(waiter);
    }
    const bool others = !sleepers_.empty() || !answered_.empty() || !woken_.empty();
    CallerPace* pace = waiter.pace;
    if (pace == nullptr && others) {  // it was alone when it came
        pace = &pace_of_this_thread;
        pace->lane = this;
        pace->streak = 0;
    }
    if (pace != nullptr) {
        pace->left = clock_.now();
    }
    if (reader_ != &waiter) {
        if (turn_holder_ != nullptr && turn_holder_ == pace && !waiter.brisk) {  // it only needed a core
            pass_reader_on(done);
        }
        return;
    }
    if (looked_at_ != serving_) {
        looked_at_.reset();
    }
    if (others && waiter.brisk && pace->left < turn_until_) {
        reader_ = nullptr;
        turn_holder_ = pace;
        watch_deadline(turn_until_ + kTurnGrace);
        return;
    }
    pass_reader_on(done);
}

// Gives the next one its turn, whose answer may be there; or else makes one that has to wait the reader.
void Lane::pass_reader_on(Completions& done) {
    reader_ = nullptr;
    turn_holder_ = nullptr;
    if (SyncWaiter* const next = answered_.first()) {
        wake(*next);
        give_turn(*next);
        return;
    }
    if (SyncWaiter* const next = sleepers_.first()) {
        sleepers_.remove(*next);
        reader_ = next;
        turn_until_ = clock_.now() + kTurn;
        next->word.store(SyncWaiter::kPromoted, std::memory_order_release);
        transport::futex_wake(next->word);
        return;
    }
    // Nobody sleeps. But who is woken gets no core as long as callers that never sleep have them all.
    for (SyncWaiter* woken = woken_.first(); woken != nullptr; woken = woken->next) {
        if (!woken->had_turn && (woken->brisk || clock_.now() - woken->woken_at > kTurn)) {
            give_turn(*woken);
            return;
        }
    }
    if (calls_.in_use() > 0) {
        let_supervisor_read(done);
    }
}

void Lane::give_turn(SyncWaiter& waiter) {
    waiter.had_turn = true;
    turn_holder_ = waiter.pace;
    turn_until_ = clock_.now() + kTurn;
    watch_deadline(turn_until_ + kTurnGrace);
}

// The one whose turn it is did not come back.
void Lane::end_overdue_turn(SteadyTime now, Completions& done) {
    if (turn_holder_ == nullptr) {
        return;
    }
    if (now >= turn_until_) {
        pass_reader_on(done);
    } else {
        watch_deadline(turn_until_ + kTurnGrace);
    }
}

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

void Lane::wake_reader() {
    if (reader_ != nullptr) {
        reader_word_.fetch_add(1, std::memory_order_release);
        transport::futex_wake(reader_word_);
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
