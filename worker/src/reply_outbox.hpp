// The worker's way of answering: reply ring and reply slab behind one private lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/slab.hpp"
#include "bulkhead/transport/waiting.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "open_call.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {

// Owned by the worker's main function; any thread. Small answers cost no allocation and no system call but the wake-up
// that the host asked for.
class ReplyOutbox {
  public:
    ReplyOutbox(transport::WorkerOutbox& outbox, const transport::HostOutboxView& host,
                const transport::WorkerCell& cell, const SignalEvent& signal);

    // Publishes the call's one answer and closes it. False: somebody else answered first, nothing was published.
    // A slab block in the message passes to the host; the call's other buffer is given back.
    bool answer(OpenCall& call, transport::Message& message) noexcept;

    // The same for a call that the plugin may be working on: its reply buffer stays what it is, so that a thread that
    // writes there does no harm. The message has no slab block.
    void close(OpenCall& call, transport::Message& message) noexcept;

    // Says that a request was taken but not begun. [main-thread]
    void skip(std::uint64_t call_id) noexcept;
    // Answers a request that cannot be begun, with a short text. [main-thread]
    void fail_unopened(std::uint64_t call_id, std::string_view text) noexcept;

    // A block of the slab. Waits for the host to release one while the call is wanted; empty: it is not any more, its
    // deadline has passed, or the host says to shut down.
    std::optional<std::uint64_t> allocate(std::size_t size, const OpenCall& call) noexcept;
    void free(std::uint64_t block) noexcept;
    std::byte* block(std::uint64_t offset) const noexcept { return outbox_.block(offset); }

    // ---- answers that wait for a checkpoint. [main-thread]
    // From now on answers are held back; before the first call.
    void hold_answers() noexcept;
    bool holds_any() const noexcept { return held_count_.load(std::memory_order_acquire) > 0; }
    struct Answers {
        std::size_t held = 0;
        std::uint64_t given = 0;  // held ones too
    };
    Answers answers() noexcept;
    // The first `count` of those held: they may go when the host has taken this checkpoint.
    void publish_held(std::size_t count, std::uint64_t checkpoint) noexcept;
    // They become errors with this short text.
    void fail_held(std::size_t count, std::string_view text) noexcept;

    // Waits until `messages` were published altogether, or the host says to shut down. False: answers are held that
    // need a checkpoint first. [main-thread]
    bool wait_for_answers(std::uint64_t messages) noexcept;

    // The dispatcher also waits on this word when the plugin has a state. [any-thread]
    const std::atomic<std::uint32_t>& changed() const noexcept { return changed_; }
    void wake_dispatcher() noexcept { transport::ring_bell(changed_); }

  private:
    // A block that the host reads, until its call cell says that it is done.
    struct LentBlock {
        std::uint64_t call_id;
        std::uint64_t offset;
    };

    void publish(transport::Message& message) noexcept;
    void publish_unopened(transport::Message& message) noexcept;
    void notify_host() noexcept;
    std::optional<std::uint64_t> try_allocate(std::size_t size) noexcept;
    void take_back_released_blocks() noexcept;
    void drop_held(std::size_t count) noexcept;

    transport::WorkerOutbox& outbox_;
    const transport::HostOutboxView& host_;
    const transport::WorkerCell& cell_;
    const SignalEvent& signal_;

    std::mutex mutex_;  // guards the ring's head, slab_, lent_ and held_, and decides who answers a call
    transport::Slab slab_;
    std::vector<LentBlock> lent_;

    bool hold_ = false;
    std::vector<transport::Message> held_;
    std::atomic<std::size_t> held_count_{0};

    std::atomic<std::uint32_t> changed_{0};  // futex word for waiters of this process
    std::atomic<bool> draining_{false};      // the dispatcher waits for answers
};

}  // namespace bulkhead::worker
