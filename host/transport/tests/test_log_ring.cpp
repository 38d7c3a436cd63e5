#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "bulkhead/transport/read_once.hpp"
#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

// A line whose every byte tells which one it is. Every eighth is over the capacity.
std::string line_of(std::uint64_t position) {
    return std::string(100 + position % 160, static_cast<char>('a' + position % 26));
}

// The host's side: takes what is whole and counts what was lost.
struct LogReader {
    const WorkerOutboxView* view;
    std::uint64_t slots;
    std::uint64_t next = 0;
    std::uint64_t taken = 0;
    std::uint64_t lost = 0;
    std::uint64_t wrong = 0;

    void catch_up() {
        const std::uint64_t head = view->header().log_head.load(std::memory_order_acquire);
        if (head - next > slots) {
            lost += head - slots - next;
            next = head - slots;
        }
        for (; next < head; ++next) {
            take();
        }
    }

    void take() {
        const LogSlot& slot = view->log_slot(next);
        if (slot.sequence.load(std::memory_order_acquire) != next + 1) {
            ++lost;
            return;
        }
        char text[kLogLineCapacity];
        const std::uint32_t length = read_once(slot.length);
        const std::uint32_t level = read_once(slot.level);
        copy_once(text, slot.text, sizeof text);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (slot.sequence.load(std::memory_order_relaxed) != next + 1) {
            ++lost;
            return;
        }
        const std::string expected = line_of(next);
        const bool whole = length == expected.size() && level == next % 4 &&
                           expected.compare(0, kLogLineCapacity, text, std::min<std::size_t>(length, sizeof text)) == 0;
        wrong += whole ? 0 : 1;
        ++taken;
    }
};

TEST_CASE("a log ring keeps the newest lines and its reader can tell how many were lost") {
    const testing::Channel channel = testing::make_channel();
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    LogReader reader{&channel.from_worker, channel.geometry.log_slots};
    reader.catch_up();
    CHECK(reader.taken + reader.lost == 0);
    const auto write = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t position = from; position < to; ++position) {
            ends.to_host.write_log_line(position % 4, line_of(position));
        }
    };
    write(0, 3);
    reader.catch_up();
    CHECK(reader.taken == 3);
    CHECK(reader.lost == 0);
    write(3, 3 + 20);
    reader.catch_up();
    CHECK(reader.taken == 3 + 8);
    CHECK(reader.lost == 12);
    CHECK(reader.wrong == 0);
}

TEST_CASE("a line of any length is written within its slot and tells that it was cut") {
    const testing::Channel channel = testing::make_channel();
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    ends.to_host.write_log_line(0, "first");
    ends.to_host.write_log_line(3, std::string(10'000, 'x'));
    CHECK(channel.from_worker.log_slot(2).sequence.load() == 0);
    CHECK_FALSE(channel.from_worker.replies().ready());
    ends.to_host.write_log_line(1, "");
    CHECK(channel.from_worker.log_slot(0).sequence.load() == 1);
    CHECK(channel.from_worker.log_slot(1).length == 10'000);
    CHECK(channel.from_worker.log_slot(1).level == 3);
    CHECK(channel.from_worker.log_slot(2).sequence.load() == 3);
    CHECK(channel.from_worker.log_slot(2).length == 0);
}

TEST_CASE("a reader never takes a torn line from a worker that logs faster than it reads") {
    constexpr std::uint64_t kLines = 500'000;
    const testing::Channel channel = testing::make_channel();
    testing::Child worker([&] {
        testing::WorkerEnds ends = testing::map_worker_ends(channel);
        for (std::uint64_t position = 0; position < kLines; ++position) {
            ends.to_host.write_log_line(position % 4, line_of(position));
        }
        return "";
    });
    LogReader reader{&channel.from_worker, channel.geometry.log_slots};
    CHECK(testing::look_until([&] {
        reader.catch_up();
        return reader.next == kLines;
    }));
    CHECK(worker.outcome() == "");
    CHECK(reader.wrong == 0);
    CHECK(reader.taken + reader.lost == kLines);
    CHECK(reader.taken >= channel.geometry.log_slots);
}

}  // namespace
}  // namespace bulkhead::transport
