// The host outbox: requests and everything else that a host says to the workers of one lane.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#include "bulkhead/transport/geometry.hpp"
#include "bulkhead/transport/ring.hpp"
#include "bulkhead/transport/segment.hpp"
#include "bulkhead/transport/slab.hpp"

namespace bulkhead::transport {

// The host's end: the only writer. Owns the segment. One thread at a time, except for the atomics in the
// cells. Workers that still map it keep the memory alive until they are gone.
class HostOutbox {
  public:
    HostOutbox() = default;
    static HostOutbox create(const Geometry& geometry, std::chrono::nanoseconds spin, std::error_code& error);

    explicit operator bool() const noexcept { return static_cast<bool>(mapping_); }
    const Descriptor& descriptor() const noexcept { return segment_; }
    const Geometry& geometry() const noexcept { return header()->geometry; }
    RingWriter& requests() noexcept { return requests_; }
    // The first request gets this position: it goes on where another outbox ended. Before the first one is published.
    void begin_at(std::uint64_t position) noexcept;

    WorkerCell& worker_cell(std::uint32_t index) const noexcept { return header()->cells[index]; }
    CallCell& call_cell(std::uint32_t index) const noexcept {
        return mapping_.at<CallCell>(header()->geometry.cells_offset)[index];
    }

    // Makes a cell ready for the next worker: nothing to serve yet. Nobody else uses the cell any more.
    void prepare_cell(std::uint32_t index, std::uint32_t incarnation) noexcept;

    // A slab block whose memory is there. Empty: no room, or the machine has no memory.
    std::optional<std::uint64_t> allocate(std::uint64_t size);
    void free(std::uint64_t offset) { slab_.free(offset); }
    std::byte* block(std::uint64_t offset) const noexcept {
        return mapping_.data() + header()->geometry.request_slab_offset + offset;
    }
    const Slab& slab() const noexcept { return slab_; }
    // Of the slab: how much has memory, and keeps it for as long as this outbox lives.
    std::uint64_t touched() const noexcept { return populated_; }

    // ---- the committed state, in one of two areas
    // Where the next one can be put; it counts only after commit_state(). Empty: the machine has no memory for it.
    std::optional<std::span<std::byte>> spare_state(std::uint64_t size);
    void commit_state(std::uint32_t version, std::uint64_t length) noexcept;
    // The next worker begins without.
    void drop_state() noexcept { header()->has_state = 0; }

    std::atomic<std::uint64_t>& held_checkpoint() noexcept { return header()->held_checkpoint; }

    const std::atomic<std::uint32_t>& first_answer() const noexcept { return header()->first_answer; }
    // Empty: there is none. Valid until the second commit from now.
    std::optional<std::span<const std::byte>> state() const noexcept;
    std::uint32_t state_version() const noexcept { return header()->state_version; }

  private:
    HostOutboxHeader* header() const noexcept { return mapping_.at<HostOutboxHeader>(0); }
    std::uint32_t spare_area() const noexcept { return header()->has_state != 0 ? 1 - header()->state_area : 0; }

    Descriptor segment_;
    Mapping mapping_;
    RingWriter requests_;
    Slab slab_;
    std::uint64_t populated_ = 0;  // the slab below this has memory; a multiple of kPage
    std::array<std::uint64_t, 2> state_populated_{};
};

// A worker's end: reads only.
class HostOutboxView {
  public:
    HostOutboxView() = default;
    // Fails with invalid_argument when the segment is not a host outbox of this layout.
    static HostOutboxView map(const Descriptor& segment, std::error_code& error);

    const Geometry& geometry() const noexcept { return geometry_; }
    std::chrono::nanoseconds spin_budget() const noexcept {
        return std::chrono::nanoseconds(header()->spin_nanoseconds);
    }
    const std::atomic<std::uint32_t>& first_answer() const noexcept { return header()->first_answer; }
    const WorkerCell& worker_cell(std::uint32_t index) const noexcept { return header()->cells[index]; }
    const CallCell& call_cell(std::uint32_t index) const noexcept {
        return mapping_.at<const CallCell>(geometry_.cells_offset)[index];
    }
    RingReader requests_from(std::uint64_t position) const noexcept {
        return {mapping_.at<const Slot>(geometry_.request_ring_offset), geometry_.request_slots, position};
    }
    const std::byte* block(std::uint64_t offset) const noexcept {
        return mapping_.data() + geometry_.request_slab_offset + offset;
    }
    // Makes present what the take-over and the first request will have a worker read: the head, the ring, and as much
    // of both states as the present one has, which is returned. Before the take-over.
    std::uint64_t warm_up() const noexcept;
    // The state to begin with; empty: there is none. After the take-over, before the worker's first checkpoint.
    std::optional<std::span<const std::byte>> state() const noexcept;
    std::uint32_t state_version() const noexcept { return header()->state_version; }
    const std::atomic<std::uint64_t>& held_checkpoint() const noexcept { return header()->held_checkpoint; }

  private:
    const HostOutboxHeader* header() const noexcept { return mapping_.at<const HostOutboxHeader>(0); }

    Mapping mapping_;
    Geometry geometry_{};
};

}  // namespace bulkhead::transport
