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

// Writes the next checkpoint as soon as the host begins to copy the last one, and spoils that. It sees the copy begin
// by a page that it gave back to the kernel: the host's read brings it back.
class Spoiler {
  public:
    Spoiler(const testing::Channel& channel, WorkerOutbox& outbox)
        : channel_(channel), outbox_(outbox), thread_([this] { run(); }) {
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
            if (sequence > 1) {
                outbox_.checkpoint_header(sequence - 1).sequence.store(0, std::memory_order_release);
            }
            while (!is_done_ && !is_being_copied(sequence)) {  // no yield: on a busy machine the copy would be over
            }
            copies_ += is_being_copied(sequence) ? 1 : 0;
        }
    }

    const testing::Channel& channel_;
    WorkerOutbox& outbox_;
    const std::uint64_t checksum_ = checksum_of(std::vector<std::byte>(kLargeState));  // of what nobody has written
    std::atomic<bool> is_done_{false};
    std::atomic<int> copies_{0};
    std::thread thread_;
};

TEST_CASE("the last checkpoint is taken once, with all that was said of it") {
    testing::Channel channel = channel_with_state(1000);
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    CheckpointWriter writer(ends.to_host);
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

TEST_CASE("a worker that writes over each checkpoint while it is copied has the host copy few of them") {
    testing::Channel channel = channel_with_state(kLargeState);
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    const Spoiler spoiler(channel, ends.to_host);
    constexpr int kFew = 20;
    int most = 0;
    TakenCheckpoint outcome{};
    std::thread host([&] {
        constexpr int kNicer = 10;  // on a busy machine the spoiler shall have its turns while this copies
        ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNicer);
        Checkpoint checkpoint;
        const auto deadline = std::chrono::steady_clock::now() + testing::kPatience;
        do {  // until the host gives up: now and then it is faster than the spoiler
            const int before = spoiler.copies();
            outcome = take_checkpoint(channel.from_worker, checkpoint.sequence, channel.to_worker, checkpoint);
            most = std::max(most, spoiler.copies() - before);
        } while (outcome != TakenCheckpoint::damaged && std::chrono::steady_clock::now() < deadline);
    });
    host.join();
    CHECK(outcome == TakenCheckpoint::damaged);
    CHECK(most <= kFew);
}

TEST_CASE("a worker that saves without a pause is not taken for one that does harm") {
    for (const std::uint64_t size : {std::uint64_t{8}, std::uint64_t{4096}, kLargeState}) {
        CAPTURE(size);
        testing::Channel channel = channel_with_state(size);
        testing::WorkerEnds ends = testing::map_worker_ends(channel);
        const std::jthread worker([&](const std::stop_token& stop) {
            CheckpointWriter writer(ends.to_host);
            const std::vector<std::byte> state(size);
            while (!stop.stop_requested()) {
                writer.begin();
                writer.append(state.data(), state.size());
                writer.publish(0, 0, 0);
            }
        });
        Checkpoint checkpoint;
        for (int taken = 0; taken < 100;) {
            const auto outcome =
                take_checkpoint(channel.from_worker, checkpoint.sequence, channel.to_worker, checkpoint);
            REQUIRE(outcome != TakenCheckpoint::damaged);
            taken += outcome == TakenCheckpoint::taken ? 1 : 0;
        }
    }
}

}  // namespace
}  // namespace bulkhead::transport
