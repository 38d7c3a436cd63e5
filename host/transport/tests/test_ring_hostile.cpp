#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "bulkhead/transport/ring.hpp"
#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/random.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

TEST_CASE("a sequence beyond the next one is a violation and older ones are nothing") {
    std::vector<Slot> slots(4);
    constexpr std::uint64_t kPosition = 6;
    Slot& slot = slots[kPosition % 4];
    RingReader reader(slots.data(), 4, kPosition);
    Message message;
    for (const std::uint64_t old : {std::uint64_t{0}, std::uint64_t{1}, kPosition - 3, kPosition}) {
        slot.sequence.store(old);
        CHECK_FALSE(reader.ready());
        CHECK(reader.take(message) == RingReader::Take::nothing);
    }
    for (const std::uint64_t lie : {kPosition + 2, kPosition + 5, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        slot.sequence.store(lie);
        CHECK(reader.ready());
        CHECK(reader.take(message) == RingReader::Take::violation);
        CHECK(reader.position() == kPosition);
    }
    slot.sequence.store(kPosition + 1);
    CHECK(reader.take(message) == RingReader::Take::message);
    CHECK(reader.position() == kPosition + 1);
}

TEST_CASE("a producer that overran its consumer is a violation") {
    std::vector<Slot> slots(4);
    RingWriter writer(slots.data(), 4);
    RingReader reader(slots.data(), 4);
    for (int count = 0; count < 5; ++count) {
        writer.publish({});
    }
    Message message;
    CHECK(reader.take(message) == RingReader::Take::violation);
}

// A worker that overwrites its reply slots with noise for as long as it lives.
std::string scribble(const testing::Channel& channel) {
    const testing::WorkerEnds ends = testing::map_worker_ends(channel);
    auto* slots = reinterpret_cast<Slot*>(reinterpret_cast<std::byte*>(&ends.to_host.header()) +
                                          channel.geometry.reply_ring_offset);
    testing::Random random(1);
    for (std::uint32_t index = 0;; index = (index + 1) % 4) {
        volatile Slot& slot = slots[index];
        slot.flags = static_cast<std::uint8_t>(random.below(4));
        slot.length = random.chance(50) ? ~std::uint32_t{0} : static_cast<std::uint32_t>(random.below(100));
        slots[index].sequence.store(random.chance(90) ? index + 1 : random.below(9), std::memory_order_release);
    }
}

TEST_CASE("a message stays within its bounds while the producer changes the slot under the reader") {
    const testing::Channel channel = testing::make_channel();
    testing::Child worker([&] { return scribble(channel); });
    constexpr std::byte kUntouched{0xA5};
    constexpr int kMessages = 300'000;
    struct {
        Message message;
        std::byte behind[256];
    } taken;
    std::fill(std::begin(taken.behind), std::end(taken.behind), kUntouched);
    int messages = 0;
    bool bounded = true;
    const auto take_some = [&] {
        RingReader reader = channel.from_worker.replies();
        for (int slot = 0; slot < 4 && reader.take(taken.message) == RingReader::Take::message; ++slot) {
            ++messages;
            bounded = bounded && taken.message.inline_size() <= taken.message.inline_capacity() &&
                      taken.behind[0] == kUntouched;
        }
        return messages >= kMessages || !bounded;
    };
    CHECK(testing::look_until(take_some));
    CHECK(bounded);
    CHECK(std::all_of(std::begin(taken.behind), std::end(taken.behind),
                      [](std::byte byte) { return byte == kUntouched; }));
}

}  // namespace
}  // namespace bulkhead::transport
