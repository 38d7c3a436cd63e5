// Takes the requests of a channel and enters the plugin with them, one after the other.
#pragma once

#include <cstdint>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "checkpoints.hpp"
#include "open_call.hpp"
#include "plugin_instance.hpp"
#include "reply_outbox.hpp"

namespace bulkhead::worker {

// Owned by the worker's main function. [main-thread]
class Dispatcher {
  public:
    Dispatcher(const transport::HostOutboxView& host, const transport::WorkerCell& cell,
               transport::WorkerOutbox& outbox, ReplyOutbox& replies, OpenCalls& calls, const PluginInstance& instance,
               Checkpoints& checkpoints);

    // Stands by until the host gives a position to start from. False: shut down instead.
    bool wait_for_start();
    // Or to end without.
    bool is_told_to_start() const noexcept;

    // Serves the request that is there already, if one is.
    void serve_first();

    // Serves until the host's stop position, and then waits for the calls that are still open; or until the host
    // says to shut down, which leaves them open: until the plugin has been deactivated it may answer them.
    void serve();
    bool was_stopped() const noexcept { return cell_.shut_down.load(std::memory_order_acquire) == 0; }

  private:
    void stand_by();
    void warm_up() noexcept;
    bool is_told_to_end() const noexcept;
    bool is_told_to_stop_before(std::uint64_t position) const noexcept;
    void leave_it_to_the_next_if_crashing() const noexcept;
    void take_one();
    void run(const transport::Message& message);
    template <typename HasWork, typename BeforeSleep>
    void wait(HasWork&& has_work, BeforeSleep&& before_sleep);
    void park(std::uint32_t bell_seen, std::uint32_t changed_seen) noexcept;

    const transport::WorkerCell& cell_;
    const transport::HostOutboxView& host_;
    transport::WorkerOutbox& outbox_;
    transport::WorkerOutboxHeader& header_;
    ReplyOutbox& replies_;
    OpenCalls& calls_;
    const PluginInstance& instance_;
    Checkpoints& checkpoints_;
    transport::RingReader requests_;
    std::uint64_t start_ = 0;
    std::uint32_t last_length_ = 0;  // bytes of the last request
    bool is_warm_ = false;
};

}  // namespace bulkhead::worker
