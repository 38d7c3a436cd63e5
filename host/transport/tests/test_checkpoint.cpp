#include "bulkhead/transport/checkpoint.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "bulkhead/transport/geometry.hpp"
#include "support/channel.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

constexpr std::uint64_t kLargeState = std::uint64_t{16} << 20;

testing::Channel channel_with_state(std::uint64_t limit) {
    ChannelLimits limits = testing::small_limits();
    limits.state = limit;
    return testing::make_channel(limits);
}

// A worker that means harm: it spoils each checkpoint while the host copies it, and has published the next one by then.
// It sees the copy begin by a page that it gave back to the kernel: the host's read brings it back.
class Spoiler {
  public:
    Spoiler(const testing::Channel& channel, testing::WorkerEnds& ends)
        : channel_(channel),
          outbox_(ends.to_host),
          held_(ends.from_host.held_checkpoint()),
          thread_([this] { run(); }) {
        while (outbox_.header().checkpoint.load() == 0) {
            std::this_thread::yield();
        }
    }
    ~Spoiler() {
        is_done_ = true;
        thread_.join();
    }
    Spoiler(const Spoiler&) = delete;
    Spoiler& operator=(const Spoiler&) = delete;

    // That have begun.
    int copies() const { return copies_; }
    // Of those, so many while the host held just the one that it copied.
    int held_alone() const { return held_alone_; }

  private:
    // The second page of the state's place; the first one has the header.
    off_t tell_tale(std::uint64_t sequence) const {
        return static_cast<off_t>(checkpoint_area(channel_.geometry, sequence) + 4096);
    }
    void give_back(std::uint64_t sequence) const {
        ::fallocate(channel_.worker_segment.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, tell_tale(sequence),
                    4096);
    }
    bool is_being_copied(std::uint64_t sequence) const {
        return ::lseek(channel_.worker_segment.get(), tell_tale(sequence), SEEK_DATA) == tell_tale(sequence);
    }
    void publish(std::uint64_t sequence) {
        CheckpointHeader& header = outbox_.checkpoint_header(sequence);
        header.length = kLargeState;
        header.checksum = checksum_;
        header.sequence.store(sequence, std::memory_order_release);
        outbox_.header().checkpoint.store(sequence, std::memory_order_release);
    }
    void run() {
        for (std::uint64_t sequence = 1; !is_done_; ++sequence) {
            give_back(sequence);
            publish(sequence);
            while (!is_done_ && !is_being_copied(sequence)) {  // no yield: on a busy machine the copy would be over
            }
            if (is_being_copied(sequence)) {
                ++copies_;
                held_alone_ += held_ == sequence ? 1 : 0;
                give_back(sequence + 1);
                publish(sequence + 1);
                outbox_.checkpoint_state(sequence)[kLargeState - 1] = std::byte{1};
            }
        }
    }

    const testing::Channel& channel_;
    WorkerOutbox& outbox_;
    const std::atomic<std::uint64_t>& held_;
    const std::uint64_t checksum_ = checksum_of(std::vector<std::byte>(kLargeState));  // of what nobody has written
    std::atomic<bool> is_done_{false};
    std::atomic<int> copies_{0};
    std::atomic<int> held_alone_{0};
    std::thread thread_;
};

TEST_CASE("the last checkpoint is taken once, with all that was said of it") {
    testing::Channel channel = channel_with_state(1000);
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    CheckpointWriter writer(ends.to_host, ends.from_host.held_checkpoint());
    Checkpoint checkpoint;
    CHECK(take_checkpoint(channel.from_worker, 0, channel.to_worker, checkpoint) == TakenCheckpoint::nothing_new);
    for (const char* state : {"first", "second", "third"}) {
        writer.begin();
        REQUIRE(writer.append(state, std::strlen(state)));
        writer.publish(7, 3, 2);
    }
    CHECK(take_checkpoint(channel.from_worker, 0, channel.to_worker, checkpoint) == TakenCheckpoint::taken);
    CHECK(checkpoint.sequence == 3);
    CHECK(checkpoint.position == 7);
    CHECK(checkpoint.open_calls == 2);
    CHECK(channel.to_worker.state_version() == 3);
    const auto state = channel.to_worker.state();
    REQUIRE(state);
    CHECK(std::string(reinterpret_cast<const char*>(state->data()), state->size()) == "third");
    CHECK(take_checkpoint(channel.from_worker, 3, channel.to_worker, checkpoint) == TakenCheckpoint::nothing_new);
}

TEST_CASE("a worker that writes over each checkpoint while it is copied has the host copy one") {
    testing::Channel channel = channel_with_state(kLargeState);
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    const Spoiler spoiler(channel, ends);
    int most = 0;
    TakenCheckpoint outcome{};
    std::thread host([&] {
        constexpr int kNicer = 10;  // on a busy machine the spoiler shall have its turns while this copies
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNicer);
        Checkpoint checkpoint;
        const auto deadline = std::chrono::steady_clock::now() + testing::kPatience;
        do {  // now and then it is faster than the spoiler
            const int before = spoiler.copies();
            outcome = take_checkpoint(channel.from_worker, checkpoint.sequence, channel.to_worker, checkpoint);
            most = std::max(most, spoiler.copies() - before);
        } while (outcome != TakenCheckpoint::damaged && std::chrono::steady_clock::now() < deadline);
    });
    host.join();
    CHECK(outcome == TakenCheckpoint::damaged);
    CHECK(most <= 2);  // the spoiler may be late to see the one before
    CHECK(spoiler.held_alone() > 0);
    CHECK(channel.to_worker.held_checkpoint() == kNoCheckpoint);
}

// Saves without a pause: states of one byte's value, which is the checkpoint's number.
class BusyWorker {
  public:
    BusyWorker(testing::WorkerEnds& ends, std::size_t size)
        : thread_([&ends, size](const std::stop_token& stop) {
              CheckpointWriter writer(ends.to_host, ends.from_host.held_checkpoint());
              std::vector<std::byte> state(size);
              while (!stop.stop_requested()) {
                  std::fill(state.begin(), state.end(), static_cast<std::byte>(writer.last() + 1));
                  writer.begin();
                  writer.append(state.data(), state.size());
                  writer.publish(0, 0, 0);
              }
          }) {}

  private:
    std::jthread thread_;
};

TEST_CASE("a worker that saves without a pause has each checkpoint taken whole, at the first try") {
    struct Case {
        std::uint64_t size;
        std::chrono::milliseconds time;  // the shorter a save takes, the rarer is what can go wrong
    };
    using std::chrono::milliseconds;
    for (const Case& one : {Case{8, milliseconds(800)}, Case{4096, milliseconds(800)}, Case{kLargeState, {}}}) {
        CAPTURE(one.size);
        testing::Channel channel = channel_with_state(one.size);
        testing::WorkerEnds ends = testing::map_worker_ends(channel);
        const BusyWorker worker(ends, one.size);
        Checkpoint checkpoint;
        const auto begin = std::chrono::steady_clock::now();
        for (int taken = 0; taken < 20 || std::chrono::steady_clock::now() < begin + one.time;) {
            const auto outcome =
                take_checkpoint(channel.from_worker, checkpoint.sequence, channel.to_worker, checkpoint);
            REQUIRE(outcome != TakenCheckpoint::damaged);
            REQUIRE(std::chrono::steady_clock::now() < begin + testing::kPatience);
            if (outcome == TakenCheckpoint::taken) {
                ++taken;
                const auto state = channel.to_worker.state();
                REQUIRE(state);
                const auto whole = static_cast<std::byte>(checkpoint.sequence);
                REQUIRE(state->front() == whole);
                REQUIRE(std::memcmp(state->data(), state->data() + 1, state->size() - 1) == 0);  // all bytes are alike
            }
        }
    }
}

TEST_CASE("no checkpoint is taken that is not later than the one that is known") {
    constexpr std::uint64_t kKnown = 3;
    testing::Channel channel = channel_with_state(8);
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    CheckpointWriter writer(ends.to_host, ends.from_host.held_checkpoint());
    for (int save = 0; save < 5; ++save) {
        writer.begin();
        writer.publish(0, 0, 0);
    }
    // It says now this and now that of which one is its last; an empty place can be taken for number 0.
    const std::jthread liar([&](const std::stop_token& stop) {
        ends.to_host.checkpoint_header(0).sequence = 0;
        while (!stop.stop_requested()) {
            ends.to_host.header().checkpoint = 5;
            ends.to_host.header().checkpoint = 0;
        }
    });
    for (int look = 0; look < 500'000; ++look) {
        Checkpoint checkpoint;
        if (take_checkpoint(channel.from_worker, kKnown, channel.to_worker, checkpoint) == TakenCheckpoint::taken) {
            REQUIRE(checkpoint.sequence > kKnown);
        }
    }
}

TEST_CASE("a checkpoint is not begun in the place of the one that the host copies, but beside it") {
    testing::Channel channel = channel_with_state(8);
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    CheckpointWriter writer(ends.to_host, ends.from_host.held_checkpoint());
    const auto save = [&] {
        writer.begin();
        writer.publish(0, 0, 0);
    };
    save();
    channel.to_worker.held_checkpoint() = 1;
    save();  // the second has a place of its own
    for (const std::uint64_t held : {std::uint64_t{1}, kAnyCheckpoint}) {
        CAPTURE(held);
        channel.to_worker.held_checkpoint() = held;
        const std::uint64_t before = writer.last();
        std::thread worker(save);
        // Its place is given up first, and then it waits.
        const auto deadline = std::chrono::steady_clock::now() + testing::kPatience;
        while (ends.to_host.checkpoint_header(before + 1).sequence.load() != 0 &&
               std::chrono::steady_clock::now() < deadline) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));  // so that one that does not wait is seen
        CHECK(ends.to_host.header().checkpoint.load() == before);
        channel.to_worker.held_checkpoint() = kNoCheckpoint;
        worker.join();
        CHECK(ends.to_host.header().checkpoint.load() == before + 1);
    }
}

}  // namespace
}  // namespace bulkhead::transport
