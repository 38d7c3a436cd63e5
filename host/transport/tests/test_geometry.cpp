#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "bulkhead/transport/geometry.hpp"
#include "support/random.hpp"

namespace bulkhead::transport {
namespace {

struct Part {
    std::uint64_t offset;
    std::uint64_t size;
};

bool follow_one_another(const std::vector<Part>& parts, std::uint64_t segment_size) {
    std::uint64_t end = 0;
    return std::all_of(parts.begin(), parts.end(),
                       [&](const Part& part) {
                           const bool fits = part.offset >= end && part.size > 0;
                           end = part.offset + part.size;
                           return fits;
                       }) &&
           end <= segment_size;
}

std::vector<Part> host_parts(const Geometry& g) {
    return {{0, sizeof(HostOutboxHeader)},
            {g.cells_offset, g.call_slots * sizeof(CallCell)},
            {g.request_ring_offset, g.request_slots * sizeof(Slot)},
            {g.request_slab_offset, g.request_slab_size},
            {committed_state_area(g, 0), g.state_limit},
            {committed_state_area(g, 1), g.state_limit}};
}

std::vector<Part> worker_parts(const Geometry& g) {
    return {{0, sizeof(WorkerOutboxHeader)},
            {g.methods_offset, kMaxMethods * sizeof(MethodRecord)},
            {g.black_box_offset, kBlackBoxSize},
            {g.log_ring_offset, g.log_slots * sizeof(LogSlot)},
            {g.reply_ring_offset, g.reply_slots * sizeof(Slot)},
            {g.reply_slab_offset, g.reply_slab_size},
            {checkpoint_area(g, 2), sizeof(CheckpointHeader) + g.state_limit},
            {checkpoint_area(g, 1), sizeof(CheckpointHeader) + g.state_limit}};
}

void check_geometry(const Geometry& g, const ChannelLimits& limits) {
    CHECK(follow_one_another(host_parts(g), g.host_outbox_size));
    CHECK(follow_one_another(worker_parts(g), g.worker_outbox_size));

    CHECK(g.cells_offset % alignof(CallCell) == 0);
    CHECK(g.request_ring_offset % kSlotSize == 0);
    CHECK(g.reply_ring_offset % kSlotSize == 0);
    CHECK(g.log_ring_offset % alignof(LogSlot) == 0);
    CHECK(g.black_box_offset % kPage == 0);
    CHECK(g.request_slab_offset % kPage == 0);
    CHECK(g.reply_slab_offset % kPage == 0);
    CHECK(g.committed_state_offset % kPage == 0);
    CHECK(g.checkpoint_offset % kPage == 0);
    CHECK(g.host_outbox_size % kPage == 0);
    CHECK(g.worker_outbox_size % kPage == 0);

    CHECK(g.call_slots == limits.in_flight);
    CHECK(g.payload_limit == limits.payload);
    CHECK(std::has_single_bit(g.request_slots));
    CHECK(std::has_single_bit(g.reply_slots));
    CHECK(std::has_single_bit(g.log_slots));
    CHECK(g.request_slots >= 2 * g.call_slots);
    CHECK(g.reply_slots >= g.call_slots + kReplyCredit);
    CHECK(g.log_slots >= limits.log_lines);
    for (const std::uint64_t slab : {g.request_slab_size, g.reply_slab_size}) {
        CHECK(slab >= limits.in_flight_bytes);
        CHECK(slab >= 2 * limits.payload);
    }
}

TEST_CASE("the parts of a channel never overlap and are aligned whatever the limits") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Random random(seed);
    for (int round = 0; round < 2000; ++round) {
        ChannelLimits limits;
        limits.payload = random.between(1, std::uint64_t{1} << random.below(31));
        limits.in_flight = static_cast<std::uint32_t>(random.between(1, kMaxCallSlots));
        limits.in_flight_bytes = random.between(1, std::uint64_t{1} << random.below(37));
        limits.log_lines = static_cast<std::uint32_t>(random.between(1, kMaxLogLines));
        const auto geometry = plan_geometry(limits);
        REQUIRE(geometry);
        check_geometry(*geometry, limits);
    }
}

TEST_CASE("the default and the extreme limits are possible") {
    check_geometry(plan_geometry({}).value(), {});
    const ChannelLimits least{1, 1, 1, 1};
    check_geometry(plan_geometry(least).value(), least);
    const ChannelLimits most{kMaxPayload, kMaxCallSlots, kMaxInFlightBytes, kMaxLogLines};
    check_geometry(plan_geometry(most).value(), most);
}

TEST_CASE("a limit of zero or beyond its maximum is refused") {
    const ChannelLimits good;
    for (const std::uint64_t payload : {std::uint64_t{0}, kMaxPayload + 1, ~std::uint64_t{0}}) {
        CHECK_FALSE(plan_geometry({payload, good.in_flight, good.in_flight_bytes, good.log_lines}));
    }
    for (const std::uint32_t in_flight : {std::uint32_t{0}, std::uint32_t{kMaxCallSlots + 1}, ~std::uint32_t{0}}) {
        CHECK_FALSE(plan_geometry({good.payload, in_flight, good.in_flight_bytes, good.log_lines}));
    }
    for (const std::uint64_t bytes : {std::uint64_t{0}, kMaxInFlightBytes + 1, ~std::uint64_t{0}}) {
        CHECK_FALSE(plan_geometry({good.payload, good.in_flight, bytes, good.log_lines}));
    }
    for (const std::uint32_t lines : {std::uint32_t{0}, kMaxLogLines + 1, ~std::uint32_t{0}}) {
        CHECK_FALSE(plan_geometry({good.payload, good.in_flight, good.in_flight_bytes, lines}));
    }
}

}  // namespace
}  // namespace bulkhead::transport
