#include "bulkhead/transport/ring.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <vector>

#include "support/messages.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

TEST_CASE("a ring carries what its model carries for random operations and wraps many times") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Random random(seed);
    for (int run = 0; run < 40; ++run) {
        const auto count = static_cast<std::uint32_t>(1U << random.below(7));
        std::vector<Slot> slots(count);
        RingWriter writer(slots.data(), count);
        RingReader reader(slots.data(), count);
        std::deque<Message> model;
        for (int step = 0; step < 2000; ++step) {
            if (random.chance(50) && model.size() < count) {
                model.push_back(testing::random_message(random));
                const std::uint64_t head = writer.head();
                REQUIRE(writer.publish(model.back()) == head);
                REQUIRE(writer.head() == head + 1);
            } else {
                Message message;
                REQUIRE(reader.ready() == !model.empty());
                const auto taken = reader.take(message);
                REQUIRE((taken == RingReader::Take::message) == !model.empty());
                if (!model.empty()) {
                    REQUIRE(testing::same_message(message, model.front()));
                    model.pop_front();
                }
            }
            REQUIRE(writer.head() - reader.position() == model.size());
        }
    }
}

TEST_CASE("a reader that starts at a later position takes what lies there first") {
    std::vector<Slot> slots(8);
    RingWriter writer(slots.data(), 8);
    for (std::uint64_t call = 0; call < 13; ++call) {
        Message message;
        message.call_id = call;
        writer.publish(message);
    }
    RingReader reader(slots.data(), 8, 11);
    Message message;
    CHECK(reader.take(message) == RingReader::Take::message);
    CHECK(message.call_id == 11);
    CHECK(reader.take(message) == RingReader::Take::message);
    CHECK(message.call_id == 12);
    CHECK(reader.take(message) == RingReader::Take::nothing);
    CHECK(reader.position() == 13);
}

TEST_CASE("publishing writes nothing into the slot that is not part of the message") {
    std::vector<Slot> slots(1);
    RingWriter writer(slots.data(), 1);
    Message message;
    std::fill(std::begin(message.inline_bytes), std::end(message.inline_bytes), std::byte{0xEE});
    const auto leaked = [&](std::size_t from, std::size_t to) {
        return std::find(slots[0].inline_bytes + from, slots[0].inline_bytes + to, std::byte{0xEE}) !=
               slots[0].inline_bytes + to;
    };
    message.length = 0;
    writer.publish(message);
    CHECK_FALSE(leaked(0, kInlineCapacity));
    message.flags = kSlotTraced;
    writer.publish(message);
    CHECK_FALSE(leaked(0, kTracedInlineCapacity));
    message.length = 1000;
    message.set_slab_offset(0);
    writer.publish(message);
    CHECK_FALSE(leaked(sizeof(SlabReference), kTracedInlineCapacity));
    CHECK(leaked(kTracedInlineCapacity, kInlineCapacity));
}

TEST_CASE("a payload of each size passes as it is, and nothing beside it is touched") {
    constexpr std::size_t kGuard = 16;
    for (std::size_t size = 0; size <= kInlineCapacity; ++size) {
        CAPTURE(size);
        // On the heap and no longer than it may be read, so that a sanitizer sees a read beyond.
        std::vector<std::byte> payload(size);
        for (std::size_t at = 0; at < size; ++at) {
            payload[at] = static_cast<std::byte>(at + 1);
        }
        std::vector<Slot> slots(1);
        std::fill(std::begin(slots[0].inline_bytes), std::end(slots[0].inline_bytes), std::byte{0xEE});
        RingWriter writer(slots.data(), 1);
        Message message;
        message.length = static_cast<std::uint32_t>(size);
        writer.publish(message, payload.data());
        const std::byte* const slot = slots[0].inline_bytes;
        CHECK(std::equal(payload.begin(), payload.end(), slot));
        CHECK(std::all_of(slot + size, slot + kInlineCapacity, [](std::byte byte) { return byte == std::byte{0xEE}; }));

        std::vector<std::byte> copy(size + kGuard, std::byte{0xDD});
        copy_lines(copy.data(), slot, size);
        CHECK(std::equal(payload.begin(), payload.end(), copy.begin()));
        CHECK(std::count(copy.begin() + static_cast<std::ptrdiff_t>(size), copy.end(), std::byte{0xDD}) == kGuard);

        RingReader reader(slots.data(), 1);
        Message taken;
        REQUIRE(reader.take(taken) == RingReader::Take::message);
        const Message again = taken;
        CHECK(again.length == size);
        CHECK(std::equal(payload.begin(), payload.end(), again.inline_bytes));
    }
}

TEST_CASE("one thread publishes and another takes without losing or changing a message") {
    constexpr std::uint32_t kSlots = 64;
    constexpr std::uint64_t kMessages = 200'000;
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    std::vector<Slot> slots(kSlots);
    std::atomic<std::uint64_t> taken{0};
    std::thread producer([&] {
        testing::Random random(seed);
        RingWriter writer(slots.data(), kSlots);
        while (writer.head() < kMessages) {
            const Message message = testing::random_message(random);
            if (!testing::look_until([&] { return writer.head() - taken.load(std::memory_order_acquire) < kSlots; })) {
                return;
            }
            writer.publish(message);
        }
    });
    testing::Random random(seed);
    RingReader reader(slots.data(), kSlots);
    bool held = true;
    while (held && reader.position() < kMessages) {
        Message message;
        held = testing::look_until([&] { return reader.ready(); }) &&
               reader.take(message) == RingReader::Take::message &&
               testing::same_message(message, testing::random_message(random));
        taken.store(held ? reader.position() : ~std::uint64_t{0}, std::memory_order_release);
    }
    producer.join();
    CHECK(held);
    CHECK(reader.position() == kMessages);
}

}  // namespace
}  // namespace bulkhead::transport
