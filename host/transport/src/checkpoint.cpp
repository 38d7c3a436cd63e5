#include "bulkhead/transport/checkpoint.hpp"

#include <atomic>
#include <cstring>

#include "bulkhead/transport/read_once.hpp"

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
    outbox_.checkpoint_header(last_ + 1).sequence.store(0, std::memory_order_relaxed);
    // The zero must be visible before the bytes change, or the host could take a mixed state for a whole one.
    std::atomic_thread_fence(std::memory_order_seq_cst);
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

// How many copies are made of checkpoints that are written over meanwhile. While a large one is copied an honest worker
// saves and checksums another, so it is seldom ahead three times in a row; with a small state it may be tens of times,
// but then a copy costs next to nothing. One that means harm must not keep the host busy.
class CopyBudget {
  public:
    bool allows_another() const noexcept { return copies_ < kCopies || bytes_ < kBytes; }
    void spend(std::uint64_t bytes) noexcept {
        ++copies_;
        bytes_ += bytes;
    }

  private:
    static constexpr int kCopies = 16;
    static constexpr std::uint64_t kBytes = std::uint64_t{16} << 20;

    int copies_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace

TakenCheckpoint take_checkpoint(const WorkerOutboxView& view, std::uint64_t known, HostOutbox& outbox,
                                Checkpoint& checkpoint) {
    // While one is copied the worker may write the one after the next. It cannot get ahead of us for ever: its answers
    // wait for us, and so do its requests.
    constexpr int kTries = 2 * static_cast<int>(kMaxCallSlots);
    CopyBudget budget;
    for (int attempt = 0; attempt < kTries && budget.allows_another(); ++attempt) {
        const std::uint64_t sequence = view.header().checkpoint.load(std::memory_order_acquire);
        if (sequence <= known) {
            return TakenCheckpoint::nothing_new;
        }
        const CheckpointHeader& header = view.checkpoint_header(sequence);
        if (header.sequence.load(std::memory_order_acquire) != sequence) {
            continue;
        }
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
        budget.spend(checkpoint.length);
        copy_once(place->data(), view.checkpoint_state(sequence), checkpoint.length);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (header.sequence.load(std::memory_order_relaxed) != sequence) {
            continue;
        }
        if (checksum_of(*place) != checksum) {
            return TakenCheckpoint::damaged;
        }
        outbox.commit_state(checkpoint.state_version, checkpoint.length);
        return TakenCheckpoint::taken;
    }
    return TakenCheckpoint::damaged;
}

}  // namespace bulkhead::transport
