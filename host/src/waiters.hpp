// Who waits for the outcome of a call.
#pragma once

#include <atomic>
#include <bulkhead/transport/waiting.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "bulkhead/host/completion.hpp"
#include "pending_calls.hpp"

namespace bulkhead::detail {

class Lane;

// How closely a thread's calls follow each other. Each thread has one, for the lane that it called last; only looked at
// when callers meet. The address also tells threads apart.
struct CallerPace {
    const Lane* lane = nullptr;
    transport::SteadyTime left;  // when its last call ended
    std::uint32_t streak = 0;    // so many calls came right after the one before
};

class WaiterQueue;

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
    WaiterQueue* queue = nullptr;    // of the lane's, which it is in
    SyncWaiter* previous = nullptr;  // in there
    SyncWaiter* next = nullptr;
};

// Waiters in the order in which they came, each in one queue at most. Guarded by the lane's mutex.
class WaiterQueue {
  public:
    bool empty() const noexcept { return first_ == nullptr; }
    SyncWaiter* first() const noexcept { return first_; }
    void add(SyncWaiter& waiter) noexcept;
    void remove(SyncWaiter& waiter) noexcept;

  private:
    SyncWaiter* first_ = nullptr;
    SyncWaiter* last_ = nullptr;
};

// A call whose outcome goes to a handler. Owned by its PendingCall, then by a Completions list.
struct AsyncWaiter : Waiter {
    std::unique_ptr<Completion> completion;
    std::shared_ptr<CancelTicket> ticket;  // null: nobody can cancel it
    std::uint16_t method = 0;
    std::uint64_t call_id = 0;
    std::unique_ptr<AsyncWaiter> next;
};

}  // namespace bulkhead::detail
