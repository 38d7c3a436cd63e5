// The worker's way of answering: reply ring and reply slab behind one private lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/slab.hpp"
#include "bulkhead/transport/waiting.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "open_call.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {

// A plugin's failure without a number, in a text that fits into its slot.
transport::Message short_error(std::uint64_t call_id, std::string_view text) noexcept;

// A block for an answer, or a sentence that says why there is none.
struct Room {
    std::optional<std::uint64_t> block;
    std::string_view shortage;
};

// Owned by the worker's main function; any thread. Small answers cost no allocation and no system call but the wake-up
// that the host asked for.
class ReplyOutbox {
  public:
    ReplyOutbox(transport::WorkerOutbox& outbox, const transport::HostOutboxView& host,
                const transport::WorkerCell& cell, const SignalEvent& signal);

    // Publishes the call's one answer and closes it. False: somebody else answered first, nothing was published.
    // A slab block in the message passes to the host, but stays its owner's when the answer came second; the call's
    // other buffer is given back.
    bool answer(OpenCall& call, transport::Message& message) noexcept;

    // The same for a call that the plugin may be working on: its reply buffer stays what it is, so that a thread that
    // writes there does no harm. The message has no slab block.
    void close(OpenCall& call, transport::Message& message) noexcept;

    // Says that a request was taken but not begun. [main-thread]
    void skip(std::uint64_t call_id) noexcept;
    // Answers a request that cannot be begun, with a short text. [main-thread]
    void fail_unopened(std::uint64_t call_id, std::string_view text) noexcept;

    // Where this call's answer is built; empty: it has been answered.
    std::optional<ReplyBuffer> buffer_of(const OpenCall& call, std::uint64_t id) noexcept;
    // Replaces it, and gives the former one back. False: the call has been answered, and `buffer` is given back
    // instead.
    bool set_buffer(OpenCall& call, std::uint64_t id, const ReplyBuffer& buffer) noexcept;
    // Whether this may be a buffer of that call, for all one can say without the lock.
    bool may_be_buffer(const OpenCall& call, const void* data) const noexcept;

    // A block of the slab for the call with this id. Waits for the host to release one while the call is open and
    // wanted, its deadline has not passed, and the host does not say to shut down. Does not wait on the main thread
    // when nothing but answers that are held, which only that thread can let go, is in the way.
    Room allocate(std::size_t size, const OpenCall& call, std::uint64_t id) noexcept;
    void free(std::uint64_t block) noexcept;
    std::byte* block(std::uint64_t offset) const noexcept { return outbox_.block(offset); }

    // ---- answers that wait for a checkpoint. [main-thread]
    // From now on answers are held back; before the first call.
    void hold_answers() noexcept;
    bool holds_any() const noexcept { return outbox_.header().answers_held.load(std::memory_order_acquire) > 0; }
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
    bool waits_for_itself() noexcept;
    void note_held() noexcept;
    void drop_held(std::size_t count) noexcept;

    transport::WorkerOutbox& outbox_;
    const transport::HostOutboxView& host_;
    const transport::WorkerCell& cell_;
    const SignalEvent& signal_;

    std::mutex mutex_;  // guards the ring's head, slab_, lent_ and held_, and decides who answers a call
    transport::Slab slab_;
    std::vector<LentBlock> lent_;

    bool hold_ = false;
    std::thread::id main_thread_;
    std::vector<transport::Message> held_;

    std::atomic<std::uint32_t> changed_{0};  // futex word for waiters of this process
    std::atomic<bool> draining_{false};      // the dispatcher waits for answers
};

}  // namespace bulkhead::worker
