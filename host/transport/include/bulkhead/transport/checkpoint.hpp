// Checkpoints on their way: the worker writes one into its outbox, the host takes a copy that no plugin can reach.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/worker_outbox.hpp"

namespace bulkhead::transport {

// What is told of a state's bytes. Value type.
struct Checkpoint {
    std::uint64_t sequence = 0;
    std::uint64_t position = 0;  // requests below it were taken before the state was saved
    std::uint64_t length = 0;
    std::uint32_t state_version = 0;
    std::uint32_t open_calls = 0;  // of those requests, so many had no answer yet
};

// XXH3. With a seed that others do not know nobody can make two payloads that are equal to it.
std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;

// The worker's end. Two areas take turns, so the last checkpoint stays whole while the next one is written.
// One thread at a time.
class CheckpointWriter {
  public:
    // `held` is the host's: which checkpoint it copies now.
    CheckpointWriter(WorkerOutbox& outbox, const std::atomic<std::uint64_t>& held) noexcept
        : outbox_(outbox), held_(held) {}

    // Waits while the host copies the checkpoint whose place this one takes.
    void begin() noexcept;
    // False: the state would be over the limit; nothing was appended.
    bool append(const void* data, std::size_t size) noexcept;
    // Makes it the last checkpoint. Returns its sequence.
    std::uint64_t publish(std::uint64_t position, std::uint32_t state_version, std::uint32_t open_calls) noexcept;

    std::uint64_t last() const noexcept { return last_; }

  private:
    std::span<std::byte> area(std::uint64_t sequence) noexcept;

    WorkerOutbox& outbox_;
    const std::atomic<std::uint64_t>& held_;
    std::uint64_t last_ = 0;
    std::uint64_t length_ = 0;
};

enum class TakenCheckpoint {
    taken,
    nothing_new,
    damaged,    // it cannot be right, or was written over while it was copied
    no_memory,  // on this machine
};

// The host's end: makes the worker's last checkpoint the committed state of the host outbox if it is later than
// `known`. Otherwise the committed state stays what it was.
TakenCheckpoint take_checkpoint(const WorkerOutboxView& view, std::uint64_t known, HostOutbox& outbox,
                                Checkpoint& checkpoint);

}  // namespace bulkhead::transport
