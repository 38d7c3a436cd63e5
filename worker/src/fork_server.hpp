// Forks the workers of one host.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <unordered_set>

#include "bulkhead/transport/descriptor.hpp"
#include "bulkhead/transport/launch_protocol.hpp"
#include "bulkhead/transport/packet.hpp"

namespace bulkhead::worker {

// Descriptors that the guard's child inherits, and the number that tells it from its predecessors.
struct ForkServerInheritance {
    int control;
    int guard;  // pidfd
    std::uint32_t generation;
};

// Runs the fork server in this process, which was just forked by the guard.
[[noreturn]] void run_fork_server(const ForkServerInheritance& inheritance);

// Makes blanks when the host asks for them, and reaps what they became. Owns the process it runs in and has one thread,
// so that plain fork() leaves sound children.
class ForkServer {
  public:
    explicit ForkServer(const ForkServerInheritance& inheritance);
    [[noreturn]] void run();

  private:
    using Clock = std::chrono::steady_clock;

    void take_order();
    void make_blank_for_host(transport::BlankFor use);
    void reap();
    void report_exit(pid_t dead, int status, const struct rusage& usage);
    void sweep_soon();
    void sweep();
    template <typename T>
    std::error_code tell_host(const T& message, std::span<const int> descriptors = {});
    void wait_for_host(short what, int milliseconds);
    [[noreturn]] void outlive_guard();

    transport::Descriptor control_;
    transport::Descriptor guard_;    // pidfd
    transport::Descriptor signals_;  // SIGCHLD
    std::uint32_t generation_;
    std::unordered_set<pid_t> children_;         // blanks and what they became; what was adopted is not among them
    std::optional<Clock::time_point> sweep_at_;  // when to look for what dead workers left behind
};

}  // namespace bulkhead::worker
