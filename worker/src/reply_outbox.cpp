#include "reply_outbox.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <utility>

#include "death_point.hpp"

namespace bulkhead::worker {

using namespace std::chrono_literals;
using transport::SteadyTime;

namespace {

// A waiter for room looks again at least this often, should the host cancel its call without ringing.
constexpr auto kLongestWait = 50ms;

bool is_past(std::uint64_t deadline, SteadyTime now) {
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    return deadline != 0 && deadline <= static_cast<std::uint64_t>(nanoseconds);
}

}  // namespace

transport::Message short_error(std::uint64_t call_id, std::string_view text) noexcept {
    transport::Message message;
    message.call_id = call_id;
    message.kind = static_cast<std::uint8_t>(transport::Kind::plugin_error);
    message.length = static_cast<std::uint32_t>(std::min(text.size(), transport::kInlineCapacity));
    std::memcpy(message.inline_bytes, text.data(), message.length);
    return message;
}

ReplyOutbox::ReplyOutbox(transport::WorkerOutbox& outbox, const transport::HostOutboxView& host,
                         const transport::WorkerCell& cell, const SignalEvent& signal)
    // A call slot may hold a lent block of its former call beside the buffer of its present one.
    : outbox_(outbox),
      host_(host),
      cell_(cell),
      signal_(signal),
      slab_(host.geometry().reply_slab_size, 2 * std::size_t{host.geometry().call_slots}) {
    lent_.reserve(2 * std::size_t{host.geometry().call_slots});
}

bool ReplyOutbox::answer(OpenCall& call, transport::Message& message) noexcept {
    bool gave_back = false;
    {
        const std::lock_guard lock(mutex_);
        if (call.id.load(std::memory_order_relaxed) != message.call_id) {
            return false;
        }
        const ReplyBuffer unused = std::exchange(call.buffer, {});
        call.id.store(0, std::memory_order_release);  // last: OpenCalls::open() of the slot's next call follows it
        if (message.in_slab()) {
            lent_.push_back({message.call_id, message.slab_offset()});
        }
        if (unused.block && !(message.in_slab() && *unused.block == message.slab_offset())) {
            slab_.free(*unused.block);
            gave_back = true;
        }
        if (hold_) {
            held_.push_back(message);
            note_held();
        } else {
            publish(message);
        }
    }
    if (hold_) {
        transport::ring_bell(changed_);
        return true;
    }
    notify_host();
    const bool somebody_waits = gave_back && outbox_.header().waits_for_room.load(std::memory_order_relaxed) > 0;
    if (somebody_waits || draining_.load(std::memory_order_relaxed)) {
        transport::ring_bell(changed_);
    }
    return true;
}

void ReplyOutbox::close(OpenCall& call, transport::Message& message) noexcept {
    {
        const std::lock_guard lock(mutex_);
        if (call.id.load(std::memory_order_relaxed) != message.call_id) {
            return;
        }
        call.id.store(0, std::memory_order_release);
        publish(message);
    }
    notify_host();
}

void ReplyOutbox::skip(std::uint64_t call_id) noexcept {
    transport::Message message;
    message.call_id = call_id;
    message.kind = static_cast<std::uint8_t>(transport::Kind::skipped);
    publish_unopened(message);
}

void ReplyOutbox::fail_unopened(std::uint64_t call_id, std::string_view text) noexcept {
    transport::Message message = short_error(call_id, text);
    publish_unopened(message);
}

void ReplyOutbox::publish_unopened(transport::Message& message) noexcept {
    {
        const std::lock_guard lock(mutex_);
        publish(message);
    }
    notify_host();
}

void ReplyOutbox::publish(transport::Message& message) noexcept {
    message.incarnation = outbox_.header().incarnation;
    death_point("before_publish");
    outbox_.replies().publish(message);
    death_point("after_publish");
}

// After publishing: the other half of the rule that loses no wake-up.
void ReplyOutbox::notify_host() noexcept {
    transport::full_fence();
    switch (cell_.host_waits.load(std::memory_order_relaxed)) {
        case transport::kHostParked:
            transport::ring_bell(outbox_.header().bell);
            break;
        case transport::kHostPolls:
            signal_.raise();
            break;
        default:
            break;
    }
}

std::optional<ReplyBuffer> ReplyOutbox::buffer_of(const OpenCall& call, std::uint64_t id) noexcept {
    const std::lock_guard lock(mutex_);
    return call.id.load(std::memory_order_relaxed) == id ? std::optional(call.buffer) : std::nullopt;
}

bool ReplyOutbox::set_buffer(OpenCall& call, std::uint64_t id, const ReplyBuffer& buffer) noexcept {
    ReplyBuffer unused = buffer;
    bool open = false;
    {
        const std::lock_guard lock(mutex_);
        open = call.id.load(std::memory_order_relaxed) == id;
        if (open) {
            std::swap(call.buffer, unused);
        }
    }
    if (unused.block) {
        free(*unused.block);
    }
    return open;
}

bool ReplyOutbox::may_be_buffer(const OpenCall& call, const void* data) const noexcept {
    const auto* place = static_cast<const std::byte*>(data);
    const std::byte* slab = outbox_.block(0);
    return place == call.bytes->reply.data() ||
           (std::greater_equal<>()(place, slab) && std::less<>()(place, slab + host_.geometry().reply_slab_size));
}

Room ReplyOutbox::allocate(std::size_t size, const OpenCall& call, std::uint64_t id) noexcept {
    if (auto block = try_allocate(size)) {
        return {block, {}};
    }
    const std::uint64_t deadline = call.deadline;
    auto& waiters = outbox_.header().waits_for_room;
    waiters.fetch_add(1, std::memory_order_seq_cst);
    Room room;
    while (!room.block && room.shortage.empty()) {
        const std::uint32_t bell = cell_.bell.load(std::memory_order_acquire);
        const std::uint32_t changed = changed_.load(std::memory_order_acquire);
        transport::full_fence();
        room.block = try_allocate(size);
        const SteadyTime now = std::chrono::steady_clock::now();
        if (room.block) {
            break;
        }
        if (cell_.shut_down.load(std::memory_order_acquire) != 0) {
            // Nobody releases blocks any more, and destroy() may wait for this thread.
            room.shortage = "the plugin was stopped before there was room for the answer";
        } else if (call.id.load(std::memory_order_acquire) != id || !call.is_wanted()) {
            room.shortage = "nobody waits for the answer any more";
        } else if (is_past(deadline, now)) {
            room.shortage = "there was no room for the answer before its deadline";
        } else if (waits_for_itself()) {
            room.shortage = "no room: other answers fill it, and they wait for this method to return";
        } else {
            const auto left =
                deadline == 0 ? kLongestWait : std::chrono::nanoseconds(deadline) - now.time_since_epoch();
            transport::futex_wait_either(cell_.bell, bell, changed_, changed,
                                         now + std::min<std::chrono::nanoseconds>(left, kLongestWait));
        }
    }
    waiters.fetch_sub(1, std::memory_order_relaxed);
    return room;
}

// No checkpoint can be taken while the plugin is in a method, and its threads' answers are held as well.
bool ReplyOutbox::waits_for_itself() noexcept {
    if (!hold_ || std::this_thread::get_id() != main_thread_) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    const auto held = std::count_if(held_.begin(), held_.end(), [](const auto& message) { return message.in_slab(); });
    return lent_.size() == static_cast<std::size_t>(held);
}

std::optional<std::uint64_t> ReplyOutbox::try_allocate(std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    // Before each allocation, not only when there is no room: blocks low in the slab are warm.
    take_back_released_blocks();
    return slab_.allocate(size);
}

void ReplyOutbox::take_back_released_blocks() noexcept {
    std::erase_if(lent_, [this](const LentBlock& lent) {
        // Ids of one slot grow. A later one means that this one was released too.
        const auto index = static_cast<std::uint32_t>(lent.call_id & 0xFFFF);
        if (host_.call_cell(index).released.load(std::memory_order_acquire) < lent.call_id) {
            return false;
        }
        slab_.free(lent.offset);
        return true;
    });
}

void ReplyOutbox::free(std::uint64_t block) noexcept {
    {
        const std::lock_guard lock(mutex_);
        slab_.free(block);
    }
    transport::full_fence();
    if (outbox_.header().waits_for_room.load(std::memory_order_relaxed) > 0) {
        transport::ring_bell(changed_);
    }
}

void ReplyOutbox::hold_answers() noexcept {
    hold_ = true;
    main_thread_ = std::this_thread::get_id();
    held_.reserve(host_.geometry().call_slots);
}

ReplyOutbox::Answers ReplyOutbox::answers() noexcept {
    const std::lock_guard lock(mutex_);
    return {held_.size(), outbox_.replies().head() + held_.size()};
}

void ReplyOutbox::publish_held(std::size_t count, std::uint64_t checkpoint) noexcept {
    if (count == 0) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t index = 0; index < count; ++index) {
            held_[index].deadline = checkpoint;
            publish(held_[index]);
        }
        drop_held(count);
    }
    notify_host();
}

void ReplyOutbox::fail_held(std::size_t count, std::string_view text) noexcept {
    if (count == 0) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t index = 0; index < count; ++index) {
            transport::Message message = short_error(held_[index].call_id, text);
            publish(message);
            if (held_[index].in_slab()) {  // the host will never see it
                std::erase_if(lent_, [&](const LentBlock& lent) { return lent.call_id == message.call_id; });
                slab_.free(held_[index].slab_offset());
            }
        }
        drop_held(count);
    }
    notify_host();
}

void ReplyOutbox::drop_held(std::size_t count) noexcept {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(count));
    note_held();
}

void ReplyOutbox::note_held() noexcept {
    outbox_.header().answers_held.store(static_cast<std::uint32_t>(held_.size()), std::memory_order_release);
}

bool ReplyOutbox::wait_for_answers(std::uint64_t messages) noexcept {
    draining_.store(true, std::memory_order_relaxed);
    bool done = false;
    for (;;) {
        const std::uint32_t bell = cell_.bell.load(std::memory_order_acquire);
        const std::uint32_t changed = changed_.load(std::memory_order_acquire);
        outbox_.header().parked.store(1, std::memory_order_relaxed);
        transport::full_fence();
        const Answers so_far = answers();
        done = so_far.given - so_far.held >= messages || cell_.shut_down.load(std::memory_order_acquire) != 0;
        if (done || so_far.held > 0) {
            break;
        }
        transport::futex_wait_either(cell_.bell, bell, changed_, changed, transport::kNoDeadline);
    }
    outbox_.header().parked.store(0, std::memory_order_relaxed);
    return done;
}

}  // namespace bulkhead::worker
