// The host's one thread that waits for everything.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/waiting.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bulkhead::detail {

// An epoll loop with timers and posted tasks. It blocks all signals, so the server's handlers never run on it.
// Sleeps without a timeout when no timer is armed.
class Supervisor {
  public:
    using Id = std::uint64_t;

    explicit Supervisor(std::error_code& error);  // no descriptors, no memory
    ~Supervisor();                                // stops, if nobody did

    void start();
    // Runs the tasks posted so far and joins. Nothing runs afterwards; posting is then a no-op. Not from the thread.
    void stop();

    // Runs the task on the thread. False after stop(). Any thread.
    bool post(std::function<void()> task);
    // The same, but the caller has to poke it.
    bool post_without_poke(std::function<void()> task);

    // Calls `on_event(epoll events)` on the thread until unwatch. Supervisor thread, or before start(). 0: failed.
    Id watch(int descriptor, std::uint32_t events, std::function<void(std::uint32_t)> on_event);
    void modify(Id id, int descriptor, std::uint32_t events);
    void unwatch(Id id, int descriptor);

    // A timer calls `on_time` on the thread. Any thread.
    Id add_timer(std::function<void()> on_time);
    void remove_timer(Id id);
    // Fires at `when`, or earlier if it is armed for earlier.
    void arm(Id id, transport::SteadyTime when) noexcept;
    // The same, but true: it sleeps longer than that, and the caller has to poke it, which takes as long as a wake-up.
    bool arm_without_poke(Id id, transport::SteadyTime when) noexcept;
    void poke() const noexcept;

  private:
    using Schedule = std::set<std::pair<transport::SteadyTime, Id>>;
    struct Timer {
        std::shared_ptr<std::function<void()>> on_time;
        transport::SteadyTime when = transport::kNoDeadline;
        Schedule::node_type entry;  // while it is not armed, so that arming it needs no memory
    };

    void run();
    void run_posted();
    void fire_timers();
    std::chrono::nanoseconds time_to_next();

    transport::Descriptor epoll_;
    transport::Descriptor poke_;
    std::unordered_map<Id, std::shared_ptr<std::function<void(std::uint32_t)>>> watches_;
    Id next_watch_ = 1;

    std::mutex mutex_;  // guards all below
    bool stopping_ = false;
    std::vector<std::function<void()>> posted_;
    std::unordered_map<Id, Timer> timers_;
    Schedule schedule_;
    transport::SteadyTime sleeping_until_ = transport::kNoDeadline;
    Id next_timer_ = 1;

    std::thread thread_;
};

}  // namespace bulkhead::detail
