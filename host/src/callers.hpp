// The callers of a lane that block: which of them reads the replies, who sleeps, and whose turn it is.
#pragma once

#include <atomic>
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstdint>

#include "pending_calls.hpp"

namespace bulkhead::detail {

class Callers;
class CallerQueue;

// How closely a thread's calls follow each other. Each thread has one, for the lane that it called last; only looked at
// when callers meet. The address also tells threads apart.
struct CallerPace {
    const Callers* among = nullptr;
    transport::SteadyTime left;  // when its last call ended
    std::uint32_t streak = 0;    // so many calls came right after the one before
};

// A caller that blocks until its call has an outcome.
struct SyncWaiter : Waiter {
    static constexpr std::uint32_t kWaiting = 0;
    static constexpr std::uint32_t kDone = 1;
    static constexpr std::uint32_t kPromoted = 2;  // it is the reader now

    std::atomic<std::uint32_t> word{kWaiting};
    CallerPace* pace = nullptr;      // of its thread; null while it is alone
    std::uint32_t request_size = 0;  // bytes of its request
    bool brisk = false;              // its thread calls again and again
    bool had_turn = false;           // one was given to it, and not again before it came
    transport::SteadyTime woken_at;
    CallerQueue* queue = nullptr;    // which it is in
    SyncWaiter* previous = nullptr;  // in there
    SyncWaiter* next = nullptr;
};

// Waiters in the order in which they came, each in one queue at most.
class CallerQueue {
  public:
    bool empty() const noexcept { return first_ == nullptr; }
    SyncWaiter* first() const noexcept { return first_; }
    void add(SyncWaiter& waiter) noexcept;
    void remove(SyncWaiter& waiter) noexcept;

  private:
    SyncWaiter* first_ = nullptr;
    SyncWaiter* last_ = nullptr;
};

// At any time at most one of them, the reader, waits on the worker's bell; it delivers to the others.
//
// Callers that call again and again (brisk ones) take turns: waking one costs as much as a hundred calls, and if each
// answer woke its caller, several of them would get less done than one. The one whose turn it is reads, and makes its
// calls, for kTurn; the answers of the other brisk ones are read and kept, and they are woken when it is their turn,
// or when the reader has to sleep itself. A caller that is not brisk is woken at once, and keeps no turn. Who is woken
// may have to wait for a core, which a caller that never sleeps does not give up before the scheduler's tick; so it
// counts as one that waits for a turn. Between two calls of the one whose turn it is nobody reads; should it not come
// back, somebody has to end its turn: see due(). Deadlines do not care for turns: each sleeper wakes at its own.
//
// Guarded by the lane's mutex, and each waiter with it.
class Callers {
  public:
    static constexpr std::chrono::microseconds kTurn{500};
    static constexpr std::chrono::microseconds kTurnGrace{500};
    static constexpr std::chrono::microseconds kRightAfter{20};
    static constexpr std::uint32_t kBriskStreak = 3;

    SyncWaiter* reader() const noexcept { return reader_; }
    // Changed to make the reader look up from the ring; it sleeps on this too.
    std::atomic<std::uint32_t>& reader_word() noexcept { return reader_word_; }
    void call_reader() noexcept;

    // The caller's call was published; it began at `begin`. From now on it reads, or else sleeps on its word.
    void enlist(SyncWaiter& waiter, transport::SteadyTime begin) noexcept;
    // One that does not read has its outcome.
    void settle(SyncWaiter& waiter, transport::SteadyTime now) noexcept;
    // Before the reader sleeps itself.
    void wake_answered(transport::SteadyTime now) noexcept;
    // Once a turn is over, while the reader's own call still runs.
    void wake_overdue(transport::SteadyTime now) noexcept {
        if (!answered_.empty() && now >= turn_until_) {
            wake_answered(now);
        }
    }
    // The caller has its outcome and goes. `clock`: has a now(). True: from now on none of them reads.
    template <typename Clock>
    bool leave(SyncWaiter& waiter, Clock& clock) noexcept {
        if (reader_ == &waiter && waiter.pace == nullptr && sleepers_.empty() && answered_.empty() && woken_.empty()) {
            reader_ = nullptr;  // it was alone
            turn_holder_ = nullptr;
            return true;
        }
        return leave_others(waiter, clock.now());
    }
    // The one whose turn it is did not come back. True: as above.
    bool end_overdue_turn(transport::SteadyTime now) noexcept;
    // When to look for that; kNoDeadline: there is none.
    transport::SteadyTime due() const noexcept {
        return turn_holder_ == nullptr ? transport::kNoDeadline : turn_until_ + kTurnGrace;
    }

  private:
    bool leave_others(SyncWaiter& waiter, transport::SteadyTime now) noexcept;
    bool pass_on(transport::SteadyTime now) noexcept;
    void give_turn(SyncWaiter& waiter, transport::SteadyTime now) noexcept;
    void wake(SyncWaiter& sleeper, transport::SteadyTime now) noexcept;
    bool may_sleep_on(const SyncWaiter& sleeper, transport::SteadyTime now) const noexcept;

    SyncWaiter* reader_ = nullptr;
    std::atomic<std::uint32_t> reader_word_{0};
    CallerQueue sleepers_;                     // without an outcome
    CallerQueue answered_;                     // with one, and sleep on until it is their turn
    CallerQueue woken_;                        // with one, and on their way to a core and to the mutex
    transport::SteadyTime turn_until_;         // of the reader, or of ...
    const CallerPace* turn_holder_ = nullptr;  // ... who has its turn, and is between two calls
};

}  // namespace bulkhead::detail
