// Turns at something that serves only a few at once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <utility>

namespace bulkhead::server {

// First come, first served. All on one thread. Outlives its turns.
class JobSlots {
  public:
    // The right to be served. Given back at its end.
    class Turn {
      public:
        explicit Turn(JobSlots& slots) noexcept : slots_(&slots) {}
        Turn(Turn&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn() {
            if (slots_ != nullptr) {
                slots_->give_back();
            }
        }

      private:
        JobSlots* slots_;
    };

    JobSlots(boost::asio::any_io_executor executor, std::size_t slots, std::size_t most_waiting)
        : executor_(std::move(executor)), free_(slots), most_waiting_(most_waiting) {}
    JobSlots(const JobSlots&) = delete;
    JobSlots& operator=(const JobSlots&) = delete;

    // None when too many wait already, or none came free in time.
    boost::asio::awaitable<std::optional<Turn>> take(std::chrono::steady_clock::time_point deadline);

    std::size_t free() const noexcept { return free_; }
    std::size_t waiting() const noexcept { return waiters_.size(); }

  private:
    struct Waiter {
        Waiter(JobSlots& owner, std::chrono::steady_clock::time_point deadline)
            : slots(owner), timer(owner.executor_, deadline) {
            slots.waiters_.push_back(this);
        }
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { slots.waiters_.remove(this); }

        JobSlots& slots;
        boost::asio::steady_timer timer;  // rings at the deadline, or earlier when it is this one's turn
        bool granted = false;
    };

    void give_back();

    boost::asio::any_io_executor executor_;
    std::size_t free_;
    std::size_t most_waiting_;
    std::list<Waiter*> waiters_;  // have no turn yet
};

}  // namespace bulkhead::server
