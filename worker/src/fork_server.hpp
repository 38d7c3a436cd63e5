// Forks the workers of one host.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <system_error>
#include <unordered_map>

#include "blank.hpp"
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

// Takes orders from the host and keeps one blank ready. Owns the process it runs in and has one thread, so that
// plain fork() leaves sound children.
class ForkServer {
  public:
    explicit ForkServer(const ForkServerInheritance& inheritance);
    [[noreturn]] void run();

  private:
    using Clock = std::chrono::steady_clock;

    void take_order();
    void start(const transport::Packet& packet, const transport::StartMessage& order);
    bool has_living_blank();
    void refuse(const transport::StartMessage& order, int error);
    bool report_started(const transport::StartMessage& order, const Blank& worker);
    void reap();
    void report_exit(std::uint64_t start_id, int status, const struct rusage& usage);
    void on_blank_death();
    void sweep_soon();
    void sweep();
    void make_next_blank();
    void do_what_is_due();
    template <typename T>
    std::error_code tell_host(const T& message, std::span<const int> descriptors = {});
    void wait_for_room();
    [[noreturn]] void outlive_guard();

    transport::Descriptor control_;
    transport::Descriptor guard_;    // pidfd
    transport::Descriptor signals_;  // SIGCHLD
    std::uint32_t generation_;
    std::optional<Blank> blank_;
    std::unordered_map<pid_t, std::uint64_t> workers_;  // start ids
    Clock::time_point ordered_at_;                      // when the last order came
    std::optional<Clock::time_point> blank_at_;         // when to make the next blank
    std::optional<Clock::time_point> sweep_at_;         // when to look for what dead workers left behind
};

}  // namespace bulkhead::worker
