#include "support/model_host.hpp"

#include <algorithm>
#include <cstring>

#include "support/model_worker.hpp"

namespace bulkhead::transport::testing {

ModelHost::ModelHost(Channel& channel, std::uint32_t cell, std::uint32_t incarnation)
    : channel_(&channel),
      cell_(&channel.to_worker.worker_cell(cell)),
      incarnation_(incarnation),
      header_(&channel.from_worker.header()),
      replies_(channel.from_worker.replies()),
      calls_(channel.geometry.call_slots) {
    channel.to_worker.prepare_cell(cell, incarnation);
    cell_->start.store(channel.to_worker.requests().head(), std::memory_order_release);
    full_fence();
    ring_worker(header_->parked);
}

bool ModelHost::submit(std::vector<std::byte> request, bool traced) {
    RingWriter& requests = channel_->to_worker.requests();
    const auto call = std::find_if(calls_.begin(), calls_.end(), [](const Call& each) { return !each.open; });
    const bool ring_full = requests.head() - header_->begun.load(std::memory_order_acquire) >= requests.slots();
    if (call == calls_.end() || ring_full) {
        return false;
    }
    Message message;
    message.kind = static_cast<std::uint8_t>(Kind::call);
    message.length = static_cast<std::uint32_t>(request.size());
    if (traced) {
        message.flags = kSlotTraced;
        std::memset(message.trace_id(), static_cast<int>(request.size() % 251), kTraceIdSize);
    }
    if (request.size() > message.inline_capacity()) {
        call->block = channel_->to_worker.allocate(request.size());
        if (!call->block) {
            return false;
        }
        std::copy(request.begin(), request.end(), channel_->to_worker.block(*call->block));
        message.set_slab_offset(*call->block);
    } else {
        std::copy(request.begin(), request.end(), message.inline_bytes);
    }
    ++call->generation;
    call->id = (call->generation << 16) | static_cast<std::uint64_t>(call - calls_.begin());
    call->request = std::move(request);
    call->traced = traced;
    call->cancelled = false;
    call->open = true;
    ++open_;
    message.call_id = call->id;
    message.incarnation = incarnation_;
    call->position = requests.publish(message);
    full_fence();
    ring_worker(header_->parked);
    return true;
}

void ModelHost::cancel_any(std::uint64_t choice) {
    Call& call = calls_[choice % calls_.size()];
    if (!call.open || call.cancelled) {
        return;
    }
    const auto index = static_cast<std::uint32_t>(call.id & 0xFFFF);
    channel_->to_worker.call_cell(index).cancelled.store(call.id, std::memory_order_relaxed);
    full_fence();
    call.cancelled = true;
    call.had_begun = header_->begun.load(std::memory_order_acquire) > call.position;
}

std::string ModelHost::receive() {
    const std::string complaint = wait_for_reply();
    if (!complaint.empty()) {
        return complaint;
    }
    Message reply;
    if (replies_.take(reply) != RingReader::Take::message) {
        return "the reply ring is broken";
    }
    return check(reply);
}

std::string ModelHost::wait_for_reply() {
    const auto ready = [&] { return replies_.ready(); };
    const SteadyTime deadline = std::chrono::steady_clock::now() + kPatience;
    while (!spin_until(ready, std::chrono::microseconds(5)) && std::chrono::steady_clock::now() < deadline) {
        const std::uint32_t seen = header_->bell.load(std::memory_order_acquire);
        cell_->host_waits.store(kHostParked, std::memory_order_relaxed);
        full_fence();
        if (!ready()) {
            futex_wait_either(header_->bell, seen, own_word_, 0, deadline);
        }
        cell_->host_waits.store(kHostLooks, std::memory_order_relaxed);
    }
    return ready() ? "" : "no reply in time";
}

std::string ModelHost::check(const Message& reply) {
    const std::uint64_t index = reply.call_id & 0xFFFF;
    if (index >= calls_.size() || !calls_[index].open || calls_[index].id != reply.call_id) {
        return "a reply to no open call";
    }
    Call& call = calls_[index];
    if (reply.incarnation != incarnation_) {
        return "a reply of another incarnation";
    }
    std::string complaint;
    if (reply.kind == static_cast<std::uint8_t>(Kind::skipped)) {
        complaint = call.cancelled ? "" : "a call was skipped that nobody cancelled";
        ++skipped_;
    } else if (call.cancelled && !call.had_begun) {
        complaint = "a call entered the plugin that had not begun when it was cancelled";
    } else {
        complaint = check_payload(reply, call);
    }
    close(call);
    return complaint;
}

std::string ModelHost::check_payload(const Message& reply, const Call& call) {
    if (reply.kind != static_cast<std::uint8_t>(Kind::reply) || reply.length != call.request.size() ||
        reply.traced() != call.traced || reply.in_slab() != (reply.length > reply.inline_capacity())) {
        return "a reply of another form";
    }
    const WorkerOutboxView& view = channel_->from_worker;
    if (reply.in_slab() && !view.lies_in_slab(reply.slab_offset(), reply.length)) {
        return "a reply beyond the slab";
    }
    const std::byte* bytes = reply.in_slab() ? view.block(reply.slab_offset()) : &reply.inline_bytes[0];
    slab_replies_ += reply.in_slab() ? 1 : 0;
    const bool echoed = std::equal(call.request.begin(), call.request.end(), bytes,
                                   [](std::byte sent, std::byte got) { return (sent ^ kEchoMask) == got; });
    const auto trace = static_cast<std::byte>(call.request.size() % 251);
    const bool same_trace = !call.traced || std::all_of(reply.trace_id(), reply.trace_id() + kTraceIdSize,
                                                        [&](std::byte byte) { return byte == trace; });
    return echoed && same_trace ? "" : "a reply with other bytes";
}

void ModelHost::close(Call& call) {
    if (call.block) {
        channel_->to_worker.free(*call.block);
        call.block.reset();
    }
    const auto index = static_cast<std::uint32_t>(call.id & 0xFFFF);
    channel_->to_worker.call_cell(index).released.store(call.id, std::memory_order_release);
    call.open = false;
    --open_;
    full_fence();
    ring_worker(header_->waits_for_room);
}

void ModelHost::shut_down() {
    cell_->shut_down.store(1, std::memory_order_release);
    full_fence();
    ring_worker(header_->parked);
}

void ModelHost::ring_worker(const std::atomic<std::uint32_t>& flag) {
    if (flag.load(std::memory_order_relaxed) != 0) {
        ring_bell(cell_->bell);
    }
}

}  // namespace bulkhead::transport::testing
