#include "job_slots.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bulkhead::server {

namespace asio = boost::asio;

asio::awaitable<std::optional<JobSlots::Turn>> JobSlots::take(std::chrono::steady_clock::time_point deadline) {
    if (free_ > 0) {
        --free_;
        co_return std::optional<Turn>(std::in_place, *this);
    }
    if (waiters_.size() >= most_waiting_) {
        co_return std::nullopt;
    }
    Waiter self(*this, deadline);
    co_await self.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!self.granted) {
        co_return std::nullopt;
    }
    co_return std::optional<Turn>(std::in_place, *this);
}

void JobSlots::give_back() {
    if (waiters_.empty()) {
        ++free_;
        return;
    }
    Waiter* next = waiters_.front();
    waiters_.pop_front();
    next->granted = true;
    next->timer.cancel();
}

}  // namespace bulkhead::server
