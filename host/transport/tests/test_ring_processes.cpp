#include <doctest/doctest.h>

#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/messages.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

constexpr std::uint64_t kMessages = 1'000'000;

// FNV-1a over all that the message means.
std::uint64_t checksum(const Message& message) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto add = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3U; };
    add(message.call_id);
    add(message.length);
    add(message.flags);
    for (std::size_t index = 0; index < message.inline_size(); ++index) {
        add(static_cast<std::uint64_t>(message.inline_bytes[index]));
    }
    return hash;
}

// A random size, content and trace flag; the deadline field carries the checksum.
Message summed_message(testing::Random& random, std::uint64_t position) {
    Message message;
    message.call_id = position;
    message.length = static_cast<std::uint32_t>(random.between(0, kInlineCapacity));
    std::uint64_t bits = random.below(~std::uint64_t{0});
    for (std::size_t index = 0; index < message.length; ++index) {
        bits = bits * 6364136223846793005U + 1442695040888963407U;
        message.inline_bytes[index] = static_cast<std::byte>(bits >> 56);
    }
    message.deadline = checksum(message);
    return message;
}

// Takes all messages and tells by its begun cursor how far it came.
std::string consume(const testing::Channel& channel) {
    const testing::WorkerEnds ends = testing::map_worker_ends(channel);
    RingReader reader = ends.from_host.requests_from(0);
    while (reader.position() < kMessages) {
        Message message;
        const std::uint64_t position = reader.position();
        if (!testing::look_until([&] { return reader.ready(); })) {
            return "no message at position " + std::to_string(position);
        }
        if (reader.take(message) != RingReader::Take::message) {
            return "a violation at position " + std::to_string(position);
        }
        if (message.call_id != position || message.deadline != checksum(message)) {
            return "a wrong message at position " + std::to_string(position);
        }
        ends.to_host.header().begun.store(reader.position(), std::memory_order_release);
    }
    return {};
}

TEST_CASE("a million messages of random sizes reach another process whole and in order") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Channel channel = testing::make_channel();
    testing::Child worker([&] { return consume(channel); });
    testing::Random random(seed);
    RingWriter& requests = channel.to_worker.requests();
    const auto& begun = channel.from_worker.header().begun;
    bool room = true;
    while (room && requests.head() < kMessages) {
        const Message message = summed_message(random, requests.head());
        room = testing::look_until(
            [&] { return requests.head() - begun.load(std::memory_order_acquire) < requests.slots(); });
        if (room) {
            requests.publish(message);
        }
    }
    CHECK(worker.outcome() == "");
    CHECK(room);
    CHECK(begun.load() == kMessages);
}

}  // namespace
}  // namespace bulkhead::transport
