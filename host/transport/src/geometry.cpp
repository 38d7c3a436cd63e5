#include "bulkhead/transport/geometry.hpp"

#include <algorithm>
#include <bit>

namespace bulkhead::transport {
namespace {

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

constexpr std::uint64_t checkpoint_area_size(std::uint64_t state_limit) {
    return round_up(sizeof(CheckpointHeader) + state_limit, kPage);
}

constexpr std::uint64_t committed_area_size(std::uint64_t state_limit) { return round_up(state_limit, kPage); }

// Hands out the parts of a segment one behind the other.
class Cursor {
  public:
    explicit Cursor(std::uint64_t start) : end_(start) {}
    std::uint64_t take(std::uint64_t size, std::uint64_t alignment) {
        const std::uint64_t begin = round_up(end_, alignment);
        end_ = begin + size;
        return begin;
    }

  private:
    std::uint64_t end_;
};

}  // namespace

std::optional<Geometry> plan_geometry(const ChannelLimits& limits) {
    const bool possible = limits.payload > 0 && limits.payload <= kMaxPayload && limits.in_flight > 0 &&
                          limits.in_flight <= kMaxCallSlots && limits.in_flight_bytes > 0 &&
                          limits.in_flight_bytes <= kMaxInFlightBytes && limits.log_lines > 0 &&
                          limits.log_lines <= kMaxLogLines && limits.state > 0 && limits.state <= kMaxState;
    if (!possible) {
        return std::nullopt;
    }
    Geometry g{};
    g.call_slots = limits.in_flight;
    g.request_slots = std::bit_ceil(2 * limits.in_flight);
    g.reply_slots = std::bit_ceil(limits.in_flight + kReplyCredit);
    g.log_slots = std::bit_ceil(limits.log_lines);
    g.payload_limit = limits.payload;
    const std::uint64_t block = round_up(limits.payload, kSlabAlignment);
    g.request_slab_size = round_up(std::max(limits.in_flight_bytes, 2 * block), kPage);
    g.reply_slab_size = g.request_slab_size;
    g.state_limit = limits.state;

    Cursor host(sizeof(HostOutboxHeader));
    g.cells_offset = host.take(g.call_slots * sizeof(CallCell), kCacheLine);
    g.request_ring_offset = host.take(g.request_slots * sizeof(Slot), kSlotSize);
    g.request_slab_offset = host.take(g.request_slab_size, kPage);
    g.committed_state_offset = host.take(2 * committed_area_size(g.state_limit), kPage);
    g.host_outbox_size = host.take(0, kPage);

    Cursor worker(sizeof(WorkerOutboxHeader));
    g.methods_offset = worker.take(kMaxMethods * sizeof(MethodRecord), kCacheLine);
    g.black_box_offset = worker.take(kBlackBoxSize, kPage);
    g.log_ring_offset = worker.take(g.log_slots * sizeof(LogSlot), kCacheLine);
    g.reply_ring_offset = worker.take(g.reply_slots * sizeof(Slot), kSlotSize);
    g.reply_slab_offset = worker.take(g.reply_slab_size, kPage);
    g.checkpoint_offset = worker.take(2 * checkpoint_area_size(g.state_limit), kPage);
    g.worker_outbox_size = worker.take(0, kPage);
    return g;
}

std::uint64_t checkpoint_area(const Geometry& geometry, std::uint64_t sequence) noexcept {
    return geometry.checkpoint_offset + sequence % 2 * checkpoint_area_size(geometry.state_limit);
}

std::uint64_t committed_state_area(const Geometry& geometry, std::uint32_t area) noexcept {
    return geometry.committed_state_offset + area * committed_area_size(geometry.state_limit);
}

}  // namespace bulkhead::transport
