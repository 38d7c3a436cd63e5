// The worker outbox: replies and everything else that one worker says to its host.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "bulkhead/transport/black_box.hpp"
#include "bulkhead/transport/geometry.hpp"
#include "bulkhead/transport/ring.hpp"
#include "bulkhead/transport/segment.hpp"

namespace bulkhead::transport {

// Creates the segment for one worker. The host does this, so that its size is the host's decision.
// `order` is what the worker is told to run: it lies behind the outbox, where nobody maps it, until it is taken.
Descriptor create_worker_outbox(const Geometry& geometry, std::string_view order, std::error_code& error);

// The order, for the worker; once, because its memory goes with that.
std::string take_order(const Descriptor& segment, const Geometry& geometry, std::error_code& error);

// The worker's end: the only writer. One thread at a time, except for the atomics.
class WorkerOutbox {
  public:
    WorkerOutbox() = default;
    // Maps the segment and writes who we are.
    static WorkerOutbox map(const Descriptor& segment, const Geometry& geometry, std::uint32_t incarnation,
                            std::error_code& error);

    const Geometry& geometry() const noexcept { return geometry_; }
    WorkerOutboxHeader& header() const noexcept { return *mapping_.at<WorkerOutboxHeader>(0); }
    MethodRecord* methods() const noexcept { return mapping_.at<MethodRecord>(geometry_.methods_offset); }
    BlackBox& black_box() const noexcept { return *mapping_.at<BlackBox>(geometry_.black_box_offset); }
    // Of the checkpoint with this sequence, and of the one two before and after it.
    CheckpointHeader& checkpoint_header(std::uint64_t sequence) const noexcept {
        return *mapping_.at<CheckpointHeader>(checkpoint_area(geometry_, sequence));
    }
    std::byte* checkpoint_state(std::uint64_t sequence) const noexcept {
        return mapping_.data() + checkpoint_area(geometry_, sequence) + sizeof(CheckpointHeader);
    }
    RingWriter& replies() noexcept { return replies_; }
    std::byte* block(std::uint64_t offset) const noexcept {
        return mapping_.data() + geometry_.reply_slab_offset + offset;
    }
    // Makes present what the first replies and checkpoints of a state of this size will touch.
    void warm_up(std::size_t state_size) const noexcept;
    void write_log_line(std::uint32_t level, std::string_view text) noexcept;
    // Stores the sentence why this worker cannot start; cut at kFailureCapacity.
    void write_failure(std::string_view sentence) noexcept;

  private:
    Mapping mapping_;
    Geometry geometry_{};
    RingWriter replies_;
};

// The host's end: reads only, trusts nothing. Keep it until nobody reads a reply in place any more.
class WorkerOutboxView {
  public:
    WorkerOutboxView() = default;
    static WorkerOutboxView map(const Descriptor& segment, const Geometry& geometry, std::error_code& error);

    explicit operator bool() const noexcept { return static_cast<bool>(mapping_); }
    const WorkerOutboxHeader& header() const noexcept { return *mapping_.at<const WorkerOutboxHeader>(0); }
    const MethodRecord* methods() const noexcept { return mapping_.at<const MethodRecord>(geometry_.methods_offset); }
    const BlackBox& black_box() const noexcept { return *mapping_.at<const BlackBox>(geometry_.black_box_offset); }
    const CheckpointHeader& checkpoint_header(std::uint64_t sequence) const noexcept {
        return *mapping_.at<const CheckpointHeader>(checkpoint_area(geometry_, sequence));
    }
    const std::byte* checkpoint_state(std::uint64_t sequence) const noexcept {
        return mapping_.data() + checkpoint_area(geometry_, sequence) + sizeof(CheckpointHeader);
    }
    RingReader replies() const noexcept {
        return {mapping_.at<const Slot>(geometry_.reply_ring_offset), geometry_.reply_slots};
    }
    const LogSlot& log_slot(std::uint64_t position) const noexcept {
        return mapping_.at<const LogSlot>(geometry_.log_ring_offset)[position & (geometry_.log_slots - 1)];
    }
    // The caller has checked that offset and length lie in the slab: see lies_in_slab().
    const std::byte* block(std::uint64_t offset) const noexcept {
        return mapping_.data() + geometry_.reply_slab_offset + offset;
    }
    // Where a slab offset lies in the segment's file.
    std::uint64_t slab_position(std::uint64_t offset) const noexcept { return geometry_.reply_slab_offset + offset; }
    bool lies_in_slab(std::uint64_t offset, std::uint64_t length) const noexcept {
        return length <= geometry_.reply_slab_size && offset <= geometry_.reply_slab_size - length;
    }

  private:
    Mapping mapping_;
    Geometry geometry_{};
};

}  // namespace bulkhead::transport
