// Takes the requests of a channel and enters the plugin with them, one after the other.
#pragma once

#include <cstdint>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "open_call.hpp"
#include "plugin_instance.hpp"
#include "reply_outbox.hpp"

namespace bulkhead::worker {

// Owned by the worker's main function. [main-thread]
class Dispatcher {
  public:
    Dispatcher(const transport::HostOutboxView& host, const transport::WorkerCell& cell,
               transport::WorkerOutbox& outbox, ReplyOutbox& replies, OpenCalls& calls, const PluginInstance& instance);

    // Stands by until the host gives a position to start from. False: shut down instead.
    bool wait_for_start();

    // Serves until the host's stop position, and then waits for the calls that are still open; or until the host
    // says to shut down, which leaves them open: until the plugin has been deactivated it may answer them.
    void serve();

  private:
    bool is_told_to_end() const noexcept;
    void take_one();
    void run(const transport::Message& message);
    template <typename HasWork>
    void wait(HasWork&& has_work);

    const transport::WorkerCell& cell_;
    const transport::HostOutboxView& host_;
    transport::WorkerOutboxHeader& header_;  // of the worker's own outbox
    ReplyOutbox& replies_;
    OpenCalls& calls_;
    const PluginInstance& instance_;
    transport::RingReader requests_;
    std::uint64_t start_ = 0;
};

}  // namespace bulkhead::worker
