#include "spin_permits.hpp"

#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <thread>

namespace bulkhead::detail {

SpinPermits::SpinPermits()
    : budget_(transport::wake_up_cost()), most_(std::max(1U, std::thread::hardware_concurrency()) - 1) {
    most_ = budget_.count() > 0 ? std::max<std::size_t>(most_, 1) : 0;
    holders_.reserve(most_);
}

std::chrono::nanoseconds SpinPermits::budget_for(Latency latency) const noexcept {
    constexpr std::chrono::nanoseconds kLong = std::chrono::milliseconds(1);
    if (most_ == 0 || latency == Latency::park) {
        return std::chrono::nanoseconds(0);
    }
    return latency == Latency::spin ? std::max(kLong, budget_) : budget_;
}

void SpinPermits::claim(std::atomic<std::uint32_t>& permit) {
    if (most_ == 0 || permit.load(std::memory_order_relaxed) != 0) {
        return;
    }
    const std::lock_guard lock(mutex_);
    if (std::find(holders_.begin(), holders_.end(), &permit) == holders_.end()) {
        if (holders_.size() >= most_) {
            holders_.front()->store(0, std::memory_order_relaxed);
            holders_.erase(holders_.begin());
        }
        holders_.push_back(&permit);
    }
    permit.store(1, std::memory_order_relaxed);
}

void SpinPermits::give_back(std::atomic<std::uint32_t>& permit) {
    const std::lock_guard lock(mutex_);
    // Only a holder's: in a child that the server forked the cell is not mapped.
    if (std::erase(holders_, &permit) != 0) {
        permit.store(0, std::memory_order_relaxed);
    }
}

}  // namespace bulkhead::detail
