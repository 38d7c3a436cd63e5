// The parent of the fork server: outlives it, and ends everything when the host is gone.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "bulkhead/transport/descriptor.hpp"
#include "bulkhead/transport/launch_protocol.hpp"

namespace bulkhead::worker {

// One per host; owns the process it runs in and has one thread. Never reads the control socket: what comes in
// there is for the fork server. Waits without a timeout when nothing is due.
class Guard {
  public:
    // True when the descriptors that a host hands over are there.
    static bool was_started_by_a_host() noexcept;

    Guard();
    [[noreturn]] void run();

  private:
    using Clock = std::chrono::steady_clock;

    void say_hello();
    void start_fork_server();
    void announce_fork_server();
    void reap();
    void on_fork_server_death();
    void sweep_soon();
    void do_what_is_due();
    bool wait_for_events();
    [[noreturn]] void end_everything();

    transport::Descriptor control_;
    transport::Descriptor host_;     // pidfd
    transport::Descriptor self_;     // pidfd, for the fork servers to watch
    transport::Descriptor signals_;  // SIGCHLD; SIGCONT, which is for the fork server, too
    pid_t fork_server_ = 0;          // 0: none at the moment
    std::uint32_t generation_ = 0;
    bool announced_ = true;
    Clock::time_point forked_at_{};
    Clock::duration backoff_{};
    std::optional<Clock::time_point> fork_at_;   // when to make the next fork server
    std::optional<Clock::time_point> sweep_at_;  // when to look for orphans
};

}  // namespace bulkhead::worker
