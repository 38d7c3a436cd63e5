#include "support/model_worker.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace bulkhead::transport::testing {
namespace {

std::uint32_t index_of(std::uint64_t call_id) { return static_cast<std::uint32_t>(call_id & 0xFFFF); }

}  // namespace

ModelWorker::ModelWorker(const Channel& channel, std::uint32_t cell, std::uint32_t incarnation)
    : ends_(map_worker_ends(channel, incarnation)),
      cell_(&ends_.from_host.worker_cell(cell)),
      header_(&ends_.to_host.header()),
      incarnation_(incarnation),
      slab_(channel.geometry.reply_slab_size, channel.geometry.call_slots) {}

std::string ModelWorker::serve() {
    header_->life.store(static_cast<std::uint32_t>(Life::ready), std::memory_order_release);
    const auto started = [&] { return cell_->start.load(std::memory_order_acquire) != kNoPosition; };
    if (!park_until(started, header_->parked)) {
        return "it was never told to start";
    }
    RingReader requests = ends_.from_host.requests_from(cell_->start.load(std::memory_order_acquire));
    const auto shut_down = [&] { return cell_->shut_down.load(std::memory_order_acquire) != 0; };
    const auto work = [&] { return requests.ready() || shut_down(); };
    for (;;) {
        Message request;
        const RingReader::Take take = requests.take(request);
        if (take == RingReader::Take::violation) {
            return "the request ring was overrun";
        }
        if (take == RingReader::Take::message) {
            answer(request, requests.position() - 1);
        } else if (shut_down()) {
            header_->life.store(static_cast<std::uint32_t>(Life::stopped), std::memory_order_release);
            return {};
        } else if (!park_until(work, header_->parked)) {
            return "it was left waiting";
        }
    }
}

void ModelWorker::answer(const Message& request, std::uint64_t position) {
    header_->begun.store(position + 1, std::memory_order_release);
    full_fence();
    const CallCell& call = ends_.from_host.call_cell(index_of(request.call_id));
    Message reply;
    reply.call_id = request.call_id;
    reply.incarnation = incarnation_;
    if (call.cancelled.load(std::memory_order_acquire) == request.call_id) {
        reply.kind = static_cast<std::uint8_t>(Kind::skipped);
    } else {
        reply.kind = static_cast<std::uint8_t>(Kind::reply);
        echo(request, reply);
    }
    publish(reply);
}

void ModelWorker::echo(const Message& request, Message& reply) {
    reply.length = request.length;
    if (request.traced()) {
        reply.flags = kSlotTraced;
        std::memcpy(reply.trace_id(), request.trace_id(), kTraceIdSize);
    }
    const std::byte* from = request.in_slab() ? ends_.from_host.block(request.slab_offset()) : &request.inline_bytes[0];
    std::transform(from, from + request.length, place_for(reply), [](std::byte byte) { return byte ^ kEchoMask; });
}

std::byte* ModelWorker::place_for(Message& reply) {
    if (reply.length <= reply.inline_capacity()) {
        return reply.inline_bytes;
    }
    std::optional<std::uint64_t> offset;
    const auto has_room = [&] {
        take_back_released_blocks();
        offset = offset ? offset : slab_.allocate(reply.length);
        return offset.has_value();
    };
    if (!park_until(has_room, header_->waits_for_room)) {
        throw std::runtime_error("no room for a reply in time");
    }
    open_blocks_.emplace_back(reply.call_id, *offset);
    reply.set_slab_offset(*offset);
    return ends_.to_host.block(*offset);
}

void ModelWorker::take_back_released_blocks() {
    const auto taken_back = [&](const auto& block) {
        const CallCell& call = ends_.from_host.call_cell(index_of(block.first));
        if (call.released.load(std::memory_order_acquire) < block.first) {
            return false;
        }
        slab_.free(block.second);
        return true;
    };
    open_blocks_.erase(std::remove_if(open_blocks_.begin(), open_blocks_.end(), taken_back), open_blocks_.end());
}

void ModelWorker::publish(const Message& reply) {
    ends_.to_host.replies().publish(reply);
    full_fence();
    if (cell_->host_waits.load(std::memory_order_relaxed) == kHostParked) {
        ring_bell(header_->bell);
    }
}

}  // namespace bulkhead::transport::testing
