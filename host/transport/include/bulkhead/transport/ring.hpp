// The single-producer, single-consumer ring of slots that both directions of a channel use.
//
// The ring lives in the producer's outbox and only the producer writes to it. The consumer keeps its position
// to itself; who frees a slot, and when, is the channel's business (see LAYOUT.md), so the producer is told to
// publish only when there is room.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bulkhead/transport/layout.hpp"
#include "bulkhead/transport/read_once.hpp"

namespace bulkhead::transport {

// A slot's content in private memory.
struct Message {
    std::uint64_t call_id = 0;
    std::uint32_t incarnation = 0;
    std::uint8_t kind = 0;
    std::uint8_t flags = 0;
    std::uint16_t method = 0;
    std::uint32_t length = 0;
    std::int32_t status = 0;
    std::uint64_t deadline = 0;
    std::byte inline_bytes[kInlineCapacity];

    bool in_slab() const noexcept { return (flags & kSlotInSlab) != 0; }
    bool traced() const noexcept { return (flags & kSlotTraced) != 0; }
    std::size_t inline_capacity() const noexcept { return traced() ? kTracedInlineCapacity : kInlineCapacity; }

    std::uint64_t slab_offset() const noexcept {
        SlabReference reference;
        std::memcpy(&reference, inline_bytes, sizeof reference);
        return reference.offset;
    }
    void set_slab_offset(std::uint64_t offset) noexcept {
        const SlabReference reference{offset};
        std::memcpy(inline_bytes, &reference, sizeof reference);
        flags |= kSlotInSlab;
    }
    // How many of inline_bytes mean something, from the first on. A trace id lies behind them, see trace_id().
    std::size_t inline_size() const noexcept {
        return in_slab() ? sizeof(SlabReference) : std::min<std::size_t>(length, inline_capacity());
    }
    const std::byte* trace_id() const noexcept { return inline_bytes + kTracedInlineCapacity; }
    std::byte* trace_id() noexcept { return inline_bytes + kTracedInlineCapacity; }
};

// Writing end. Owned by the producing process; one thread at a time.
class RingWriter {
  public:
    RingWriter() noexcept = default;
    RingWriter(Slot* slots, std::uint32_t count) noexcept : slots_(slots), mask_(count - 1) {}

    // The position the next message gets.
    std::uint64_t head() const noexcept { return head_; }
    std::uint64_t slots() const noexcept { return mask_ + 1; }

    // Publishes at head(). The caller knows that the slot is free. Returns the message's position.
    std::uint64_t publish(const Message& message) noexcept {
        Slot& slot = slots_[head_ & mask_];
        slot.call_id = message.call_id;
        slot.incarnation = message.incarnation;
        slot.kind = message.kind;
        slot.flags = message.flags;
        slot.method = message.method;
        slot.length = message.length;
        slot.status = message.status;
        slot.deadline = message.deadline;
        // Only what means something: the rest of the message may be private memory that was never set.
        std::memcpy(slot.inline_bytes, message.inline_bytes, message.inline_size());
        if (message.traced()) {
            std::memcpy(slot.inline_bytes + kTracedInlineCapacity, message.trace_id(), kTraceIdSize);
        }
        slot.sequence.store(head_ + 1, std::memory_order_release);
        return head_++;
    }

  private:
    Slot* slots_ = nullptr;
    std::uint64_t mask_ = 0;
    std::uint64_t head_ = 0;
};

// Reading end. Owned by the consuming process; one thread at a time, but ready() may be asked by a thread
// that holds the position still.
class RingReader {
  public:
    enum class Take { nothing, message, violation };

    RingReader() noexcept = default;
    RingReader(const Slot* slots, std::uint32_t count, std::uint64_t position = 0) noexcept
        : slots_(slots), mask_(count - 1), position_(position) {}

    std::uint64_t position() const noexcept { return position_; }
    const std::atomic<std::uint64_t>* next_sequence() const noexcept { return &slots_[position_ & mask_].sequence; }

    // There is something to take, if only a violation.
    bool ready() const noexcept { return next_sequence()->load(std::memory_order_acquire) > position_; }

    // Copies the next message out, each byte read once; nothing but the sequence is checked. A sequence beyond
    // the next one is a violation: the producer lies or overran the consumer.
    Take take(Message& message) noexcept {
        const Slot& slot = slots_[position_ & mask_];
        const std::uint64_t sequence = slot.sequence.load(std::memory_order_acquire);
        if (sequence != position_ + 1) {
            return sequence > position_ ? Take::violation : Take::nothing;
        }
        message.call_id = read_once(slot.call_id);
        message.incarnation = read_once(slot.incarnation);
        message.kind = read_once(slot.kind);
        message.flags = read_once(slot.flags);
        message.method = read_once(slot.method);
        message.length = read_once(slot.length);
        message.status = read_once(slot.status);
        message.deadline = read_once(slot.deadline);
        copy_once(message.inline_bytes, slot.inline_bytes, message.inline_size());
        if (message.traced()) {
            copy_once(message.trace_id(), slot.inline_bytes + kTracedInlineCapacity, kTraceIdSize);
        }
        ++position_;
        return Take::message;
    }

  private:
    const Slot* slots_ = nullptr;
    std::uint64_t mask_ = 0;
    std::uint64_t position_ = 0;
};

}  // namespace bulkhead::transport
