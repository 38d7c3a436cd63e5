// Two outboxes as a worker has them while it runs one call, to be lied into.
#pragma once

#include <chrono>
#include <cstdint>

#include "bulkhead/transport/layout.hpp"

namespace faulty {

// The test writes the host's part and looks at the worker's; enter() makes a child see them as a worker would.
class FakeChannel {
  public:
    static constexpr std::uint64_t kCallId = (std::uint64_t{7} << 16) | 2;
    static constexpr std::uint32_t kIncarnation = 3;
    static constexpr std::uint64_t kReplied = 5;  // replies the worker has published before

    FakeChannel();
    FakeChannel(const FakeChannel&) = delete;
    FakeChannel& operator=(const FakeChannel&) = delete;
    ~FakeChannel();

    // In the child: the host's outbox can only be read.
    void enter() const;

    const bulkhead::transport::Geometry& geometry() const { return host_->geometry; }
    const bulkhead::transport::WorkerOutboxHeader& header() const { return *worker_; }
    const std::byte* worker_outbox() const { return reinterpret_cast<const std::byte*>(worker_); }
    const bulkhead::transport::Slot& reply(std::uint64_t position) const;
    // Waits for the worker to ring; false when it does not within 20 seconds.
    bool wait_for_bell() const;

  private:
    int host_file_;
    int worker_file_;
    bulkhead::transport::HostOutboxHeader* host_;
    bulkhead::transport::WorkerOutboxHeader* worker_;
};

}  // namespace faulty
