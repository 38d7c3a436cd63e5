#include "waiters.hpp"

namespace bulkhead::detail {

void WaiterQueue::add(SyncWaiter& waiter) noexcept {
    waiter.queue = this;
    waiter.previous = last_;
    waiter.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &waiter;
    last_ = &waiter;
}

void WaiterQueue::remove(SyncWaiter& waiter) noexcept {
    (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
    waiter.previous = waiter.next = nullptr;
    waiter.queue = nullptr;
}

}  // namespace bulkhead::detail
