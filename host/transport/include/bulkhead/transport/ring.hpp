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

inline constexpr std::size_t kFirstLineInline = kCacheLine - offsetof(Slot, inline_bytes);

// Copies up to kInlineCapacity bytes without a call of the library, and without reading or writing beyond them. Two
// copies of as many bytes in a row move the same words, so that the processor forwards what it has just stored. The
// bytes of a peer: one may be read twice, but it is the copy that counts.
inline void copy_inline(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    std::size_t at = 0;
    for (; size - at >= 16; at += 16) {
        __builtin_memcpy(to + at, from + at, 16);
        std::atomic_signal_fence(std::memory_order_seq_cst);  // or the compiler makes one `rep movsq` of the loop
    }
    if (size - at >= 8) {
        __builtin_memcpy(to + at, from + at, 8);
        at += 8;
    }
    if (at == size) {
        return;
    }
    if (size >= 8) {  // the last word once more, with what is left of the bytes
        __builtin_memcpy(to + size - 8, from + size - 8, 8);
        return;
    }
    for (; at < size; ++at) {
        to[at] = from[at];
    }
}

// The same where the bytes of a slot are one end: the second line's first. See RingWriter::publish.
inline void copy_lines(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    if (size > kFirstLineInline) {
        copy_inline(to + kFirstLineInline, from + kFirstLineInline, size - kFirstLineInline);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        __builtin_memcpy(to, from, 16);
        __builtin_memcpy(to + 16, from + 16, kFirstLineInline - 16);
        static_assert(kFirstLineInline == 24);
    } else {
        copy_inline(to, from, size);
    }
}

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

    Message() noexcept = default;
    // Copies what means something.
    Message(const Message& other) noexcept { *this = other; }
    Message& operator=(const Message& other) noexcept {
        if (this == &other) {
            return *this;
        }
        call_id = other.call_id;
        incarnation = other.incarnation;
        kind = other.kind;
        flags = other.flags;
        method = other.method;
        length = other.length;
        status = other.status;
        deadline = other.deadline;
        copy_lines(inline_bytes, other.inline_bytes, inline_size());
        if (traced()) {
            __builtin_memcpy(trace_id(), other.trace_id(), kTraceIdSize);
        }
        return *this;
    }

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
    RingWriter(Slot* slots, std::uint32_t count, std::uint64_t head = 0) noexcept
        : slots_(slots), mask_(count - 1), head_(head) {}

    // The position the next message gets.
    std::uint64_t head() const noexcept { return head_; }
    std::uint64_t slots() const noexcept { return mask_ + 1; }

    // Publishes at head(). The caller knows that the slot is free. Returns the message's position. `elsewhere`: where
    // the payload of a message lies that is neither in the slab nor in inline_bytes.
    std::uint64_t publish(const Message& message, const std::byte* elsewhere = nullptr) noexcept {
        Slot& slot = slots_[head_ & mask_];
        // The consumer looks at the first line all the time, and takes it away from us with each look that comes after
        // a store of ours. So what needs the second line comes first, and the first line is written in one go: then
        // each of the two moves once. (Stores of this processor become visible in program order; elsewhere it is no
        // more than a good guess.) Only what means something: the rest of the message may be private memory that was
        // never set.
        if (message.traced()) {
            __builtin_memcpy(slot.inline_bytes + kTracedInlineCapacity, message.trace_id(), kTraceIdSize);
        }
        copy_lines(slot.inline_bytes, elsewhere != nullptr ? elsewhere : message.inline_bytes, message.inline_size());
        slot.call_id = message.call_id;
        slot.incarnation = message.incarnation;
        slot.kind = message.kind;
        slot.flags = message.flags;
        slot.method = message.method;
        slot.length = message.length;
        slot.status = message.status;
        slot.deadline = message.deadline;
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

    // For who looks again and again: brings the slot's second line along with the first, instead of after it.
    void prefetch_next() const noexcept { prefetch_second_line(next_sequence()); }
    static void prefetch_second_line(const std::atomic<std::uint64_t>* sequence) noexcept {
        __builtin_prefetch(reinterpret_cast<const std::byte*>(sequence) + kCacheLine);
    }

    // For who has time while it waits for the next message: where the one after it will be.
    void prefetch_after_next() const noexcept { __builtin_prefetch(&slots_[(position_ + 1) & mask_]); }

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
        copy_lines(message.inline_bytes, slot.inline_bytes, message.inline_size());
        std::atomic_signal_fence(std::memory_order_seq_cst);  // as in copy_once(): only the copy is looked at
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
