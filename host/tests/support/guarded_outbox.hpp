// A worker outbox that a test may fill with anything, and a host's view of it that notices every read beyond its ends.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bulkhead/transport/geometry.hpp"
#include "bulkhead/transport/worker_outbox.hpp"

namespace bulkhead::testing {

// Limits that keep the whole outbox small.
transport::ChannelLimits tiny_limits();

// Both ends of one worker outbox in one process. Right before and right behind the host's view lie pages that nobody
// may touch: a read outside is a SIGSEGV. One thread.
class GuardedOutbox {
  public:
    explicit GuardedOutbox(const transport::ChannelLimits& limits = tiny_limits(), std::uint32_t incarnation = 1);
    GuardedOutbox(const GuardedOutbox&) = delete;
    GuardedOutbox& operator=(const GuardedOutbox&) = delete;
    ~GuardedOutbox();

    const transport::Geometry& geometry() const noexcept { return geometry_; }
    std::uint32_t incarnation() const noexcept { return incarnation_; }
    const transport::WorkerOutboxView& view() const noexcept { return view_; }
    transport::WorkerOutbox& worker() noexcept { return worker_; }
    // The whole segment as the worker has it.
    std::span<std::byte> bytes() const noexcept;
    transport::Slot& reply_slot(std::uint64_t position) const noexcept;
    transport::LogSlot& log_slot(std::uint64_t position) const noexcept;

  private:
    void map_between_guards();

    transport::Geometry geometry_;
    std::uint32_t incarnation_;
    transport::Descriptor segment_;
    transport::WorkerOutbox worker_;
    transport::WorkerOutboxView view_;
    std::vector<std::span<std::byte>> guards_;
};

}  // namespace bulkhead::testing
