#include "bulkhead/transport/checkpoint.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "bulkhead/transport/read_once.hpp"
#include "bulkhead/transport/waiting.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace bulkhead::transport {

std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::span<std::byte> CheckpointWriter::area(std::uint64_t sequence) noexcept {
    return {outbox_.checkpoint_state(sequence), outbox_.geometry().state_limit};
}

void CheckpointWriter::begin() noexcept {
    constexpr int kLooks = 1000;                        // what a few KiB take to copy
    constexpr std::chrono::microseconds kShortest{50};  // naps; longer and longer ones, for a host may be stopped
    constexpr std::chrono::microseconds kLongest{5000};
    std::chrono::microseconds nap = kShortest;
    const std::uint64_t next = last_ + 1;
    outbox_.checkpoint_header(next).sequence.store(0, std::memory_order_release);
    full_fence();  // either the host sees that the place is given up, or we see that it holds it
    const auto is_held = [&] {
        const std::uint64_t held = held_.load(std::memory_order_acquire);
        return held == kAnyCheckpoint || (held != kNoCheckpoint && held + 2 == next);
    };
    for (int look = 0; is_held(); ++look) {
        if (look < kLooks) {
            spin_pause();
        } else {
            std::this_thread::sleep_for(nap);
            nap = std::min(2 * nap, kLongest);
        }
    }
    length_ = 0;
}

bool CheckpointWriter::append(const void* data, std::size_t size) noexcept {
    const std::span<std::byte> place = area(last_ + 1);
    if (size > place.size() - length_) {
        return false;
    }
    if (size > 0) {
        std::memcpy(place.data() + length_, data, size);
    }
    length_ += size;
    return true;
}

std::uint64_t CheckpointWriter::publish(std::uint64_t position, std::uint32_t state_version,
                                        std::uint32_t open_calls) noexcept {
    ++last_;
    CheckpointHeader& header = outbox_.checkpoint_header(last_);
    header.position = position;
    header.length = length_;
    header.checksum = checksum_of(area(last_).first(length_));
    header.state_version = state_version;
    header.open_calls = open_calls;
    header.sequence.store(last_, std::memory_order_release);
    outbox_.header().checkpoint.store(last_, std::memory_order_release);
    return last_;
}

namespace {

// Keeps the worker from writing over what is copied, as long as this lives. At first over anything: so the one that is
// its last does not change while it is looked up. Whose sequence it is does not matter: a worker that takes another's
// for its own waits a little.
class Hold {
  public:
    explicit Hold(std::atomic<std::uint64_t>& word) noexcept : word_(word) {
        word_.store(kAnyCheckpoint, std::memory_order_relaxed);
        full_fence();
    }
    ~Hold() { word_.store(kNoCheckpoint, std::memory_order_release); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    void narrow_to(std::uint64_t sequence) noexcept { word_.store(sequence, std::memory_order_release); }

  private:
    std::atomic<std::uint64_t>& word_;
};

}  // namespace

TakenCheckpoint take_checkpoint(const WorkerOutboxView& view, std::uint64_t known, HostOutbox& outbox,
                                Checkpoint& checkpoint) {
    // It may complete the one that it is at, and give up the place of the one before before it sees that it has to
    // wait; so the second look finds a whole one.
    constexpr int kLooks = 2;
    const std::atomic<std::uint64_t>& last = view.header().checkpoint;
    if (last.load(std::memory_order_acquire) <= known) {
        return TakenCheckpoint::nothing_new;
    }
    std::optional<Hold> hold(std::in_place, outbox.held_checkpoint());
    for (int look = 0; look < kLooks; ++look) {
        const std::uint64_t sequence = last.load(std::memory_order_acquire);
        if (sequence <= known) {  // it never goes back
            return TakenCheckpoint::damaged;
        }
        const CheckpointHeader& header = view.checkpoint_header(sequence);
        if (header.sequence.load(std::memory_order_acquire) != sequence) {
            continue;
        }
        hold->narrow_to(sequence);
        checkpoint = {sequence, read_once(header.position), read_once(header.length), read_once(header.state_version),
                      read_once(header.open_calls)};
        const std::uint64_t checksum = read_once(header.checksum);
        if (checkpoint.length > outbox.geometry().state_limit) {
            return TakenCheckpoint::damaged;
        }
        const auto place = outbox.spare_state(checkpoint.length);
        if (!place) {
            return TakenCheckpoint::no_memory;
        }
        copy_once(place->data(), view.checkpoint_state(sequence), checkpoint.length);
        hold.reset();
        if (checksum_of(*place) != checksum) {
            return TakenCheckpoint::damaged;
        }
        outbox.commit_state(checkpoint.state_version, checkpoint.length);
        return TakenCheckpoint::taken;
    }
    return TakenCheckpoint::damaged;
}

}  // namespace bulkhead::transport
