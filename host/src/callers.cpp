#include "callers.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

namespace {

thread_local CallerPace pace_of_this_thread;

}  // namespace

void CallerQueue::add(SyncWaiter& waiter) noexcept {
    waiter.queue = this;
    waiter.previous = last_;
    waiter.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
}

void CallerQueue::remove(SyncWaiter& waiter) noexcept {
    (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
    waiter.previous = waiter.next = nullptr;
    waiter.queue = nullptr;
}

void Callers::call_reader() noexcept {
    if (reader_ != nullptr) {
        reader_word_.fetch_add(1, std::memory_order_release);
        transport::futex_wake(reader_word_);
    }
}

void Callers::enlist(SyncWaiter& waiter, SteadyTime begin) noexcept {
    const bool nobody_sleeps = reader_ == nullptr && sleepers_.empty() && answered_.empty();
    const bool alone = nobody_sleeps && woken_.empty();
    if (!alone) {
        CallerPace& pace = pace_of_this_thread;
        pace.streak = pace.among == this && begin - pace.left < kRightAfter ? pace.streak + 1 : 0;
        pace.among = this;
        waiter.pace = &pace;
        waiter.brisk = pace.streak >= kBriskStreak;
    }
    const bool has_turn = turn_holder_ == waiter.pace && begin < turn_until_;
    if (alone || (reader_ == nullptr && has_turn) || (nobody_sleeps && turn_holder_ == nullptr)) {
        turn_holder_ = nullptr;
        reader_ = &waiter;
    } else {
        sleepers_.add(waiter);
    }
}

void Callers::settle(SyncWaiter& waiter, SteadyTime now) noexcept {
    if (may_sleep_on(waiter, now)) {
        sleepers_.remove(waiter);
        answered_.add(waiter);
    } else {
        wake(waiter, now);
    }
}

// Whether one that was answered need not be woken before its turn.
bool Callers::may_sleep_on(const SyncWaiter& sleeper, SteadyTime now) const noexcept {
    const bool somebody_has_a_turn = turn_holder_ != nullptr || (reader_ != nullptr && reader_->brisk);
    return sleeper.outcome.replied && sleeper.brisk && somebody_has_a_turn && now < turn_until_;
}

void Callers::wake(SyncWaiter& sleeper, SteadyTime now) noexcept {
    sleeper.queue->remove(sleeper);
    woken_.add(sleeper);
    sleeper.woken_at = now;
    sleeper.word.store(SyncWaiter::kDone, std::memory_order_release);
    transport::futex_wake(sleeper.word);
}

void Callers::wake_answered(SteadyTime now) noexcept {
    while (SyncWaiter* const sleeper = answered_.first()) {
        wake(*sleeper, now);
    }
}

bool Callers::leave_others(SyncWaiter& waiter, SteadyTime now) noexcept {
    if (waiter.queue != nullptr) {
        waiter.queue->remove(waiter);
    }
    const bool others = !sleepers_.empty() || !answered_.empty() || !woken_.empty();
    CallerPace* pace = waiter.pace;
    if (pace == nullptr && others) {  // it was alone when it came
        pace = &pace_of_this_thread;
        pace->among = this;
        pace->streak = 0;
    }
    if (pace != nullptr) {
        pace->left = now;
    }
    if (reader_ != &waiter) {
        const bool only_needed_a_core = turn_holder_ != nullptr && turn_holder_ == pace && !waiter.brisk;
        return only_needed_a_core && pass_on(now);
    }
    if (others && waiter.brisk && now < turn_until_) {
        reader_ = nullptr;
        turn_holder_ = pace;
        return false;
    }
    return pass_on(now);
}

// Gives the next one its turn, whose answer may be there; or else makes one that has to wait the reader. True: there is
// none.
bool Callers::pass_on(SteadyTime now) noexcept {
    reader_ = nullptr;
    turn_holder_ = nullptr;
    if (SyncWaiter* const next = answered_.first()) {
        wake(*next, now);
        give_turn(*next, now);
        return false;
    }
    if (SyncWaiter* const next = sleepers_.first()) {
        sleepers_.remove(*next);
        reader_ = next;
        turn_until_ = now + kTurn;
        next->word.store(SyncWaiter::kPromoted, std::memory_order_release);
        transport::futex_wake(next->word);
        return false;
    }
    // Nobody sleeps. But who is woken gets no core as long as callers that never sleep have them all.
    for (SyncWaiter* woken = woken_.first(); woken != nullptr; woken = woken->next) {
        if (!woken->had_turn && (woken->brisk || now - woken->woken_at > kTurn)) {
            give_turn(*woken, now);
            return false;
        }
    }
    return true;
}

void Callers::give_turn(SyncWaiter& waiter, SteadyTime now) noexcept {
    waiter.had_turn = true;
    turn_holder_ = waiter.pace;
    turn_until_ = now + kTurn;
}

bool Callers::end_overdue_turn(SteadyTime now) noexcept {
    return turn_holder_ != nullptr && now >= turn_until_ && pass_on(now);
}

}  // namespace bulkhead::detail
