// The channel of the worker that this code runs in, found without the worker's help.
#pragma once

#include <cstdint>

#include "bulkhead/transport/layout.hpp"

namespace faulty {

// Views of the two outboxes. Valid for the life of the process; anything written here races with the worker.
class WorkerChannel {
  public:
    // Throws an Error when this process has no channel.
    static WorkerChannel find();

    const bulkhead::transport::Geometry& geometry() const { return host_->geometry; }
    bulkhead::transport::WorkerOutboxHeader& header() const { return *worker_; }
    std::byte* outbox() const { return reinterpret_cast<std::byte*>(worker_); }

    // The request that entered the plugin last.
    const bulkhead::transport::Slot& current_request() const;
    // Where the worker publishes next. It keeps the number to itself, so this is one past the highest it published.
    std::uint64_t next_reply_position() const;
    bulkhead::transport::Slot& reply_slot(std::uint64_t position) const;
    // Wakes a host thread that waits for a reply.
    void ring() const;

  private:
    WorkerChannel(const bulkhead::transport::HostOutboxHeader* host, bulkhead::transport::WorkerOutboxHeader* worker)
        : host_(host), worker_(worker) {}

    const bulkhead::transport::HostOutboxHeader* host_;
    bulkhead::transport::WorkerOutboxHeader* worker_;
};

}  // namespace faulty
