// A call between its arrival in the worker and its answer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/ring.hpp"

namespace bulkhead::worker {

// Where the plugin builds an answer.
struct ReplyBuffer {
    std::byte* data = nullptr;  // null: there is none
    std::size_t size = 0;
    std::optional<std::uint64_t> block;  // of the reply slab; empty: inline
};

// The bytes of a call. Apart from the rest, so that only those of slots that are used are touched.
struct CallBytes {
    alignas(16) std::array<std::byte, transport::kInlineCapacity> request;
    alignas(16) std::array<std::byte, transport::kInlineCapacity> reply;
    std::array<std::byte, 16> trace_id;
};

// One per call slot of the channel, used again and again. The dispatcher opens it; then it belongs to the thread of the
// plugin that answers, apart from `id`, which decides under the reply outbox's lock who answered first, and `buffer`,
// which that lock guards while the call is open.
struct OpenCall {
    OpenCall(const transport::CallCell& its_cell, CallBytes& its_bytes) noexcept : cell(&its_cell), bytes(&its_bytes) {}

    std::atomic<std::uint64_t> id{0};  // 0: answered
    std::uint64_t deadline = 0;
    const transport::CallCell* cell;
    ReplyBuffer buffer;
    CallBytes* bytes;
    bool traced = false;

    // False: the call has its outcome already, the answer is dropped.
    bool is_wanted() const noexcept {
        return cell->cancelled.load(std::memory_order_acquire) != id.load(std::memory_order_relaxed);
    }
};

// All calls of a channel. The plugin's `bulkhead_call *` is no address but the call's id, whose generation never
// comes back: a second answer is recognised even after the slot serves another call.
class OpenCalls {
  public:
    explicit OpenCalls(const transport::HostOutboxView& host)
        : host_(host),
          capacity_(host.geometry().call_slots),
          calls_(std::allocator<OpenCall>().allocate(capacity_)),
          bytes_(std::make_unique_for_overwrite<CallBytes[]>(capacity_)) {}
    OpenCalls(const OpenCalls&) = delete;
    OpenCalls& operator=(const OpenCalls&) = delete;
    ~OpenCalls() { std::allocator<OpenCall>().deallocate(calls_, capacity_); }  // of what has nothing to destroy

    // [main-thread] The slot of a request. The host keeps ids in range, and uses the first slots again and again: the
    // others are not touched, so a start need not wait for that.
    OpenCall& slot(std::uint64_t id) noexcept {
        const std::size_t index = id & 0xFFFF;
        for (std::size_t next = used_.load(std::memory_order_relaxed); next <= index; ++next) {
            std::construct_at(&calls_[next], host_.call_cell(static_cast<std::uint32_t>(next)), bytes_[next]);
            used_.store(next + 1, std::memory_order_release);
        }
        return calls_[index];
    }

    // [main-thread] Takes over what the message says. The request's bytes stay where they are returned until the
    // call is answered.
    bulkhead_bytes open(OpenCall& call, const transport::Message& message) noexcept {
        // The host gave the slot to this call because it saw the answer to the former one. That ordering passes
        // through another process; this one is visible to tools that watch only ours.
        static_cast<void>(call.id.load(std::memory_order_acquire));
        call.deadline = message.deadline;
        call.buffer = {};
        call.traced = message.traced();
        if (call.traced) {
            std::memcpy(call.bytes->trace_id.data(), message.inline_bytes + transport::kTracedInlineCapacity,
                        call.bytes->trace_id.size());
        }
        bulkhead_bytes request{call.bytes->request.data(), message.length};
        if (message.in_slab()) {
            request.data = host_.block(message.slab_offset());
        } else {
            transport::copy_lines(call.bytes->request.data(), message.inline_bytes, message.inline_size());
        }
        call.id.store(message.call_id, std::memory_order_release);
        return request;
    }

    // [any-thread] Null: the call was answered already, or never was one.
    OpenCall* find(const bulkhead_call* handle) noexcept {
        const std::uint64_t id = id_of(handle);
        const std::size_t index = id & 0xFFFF;
        if (id == 0 || index >= used_.load(std::memory_order_acquire) ||
            calls_[index].id.load(std::memory_order_acquire) != id) {
            return nullptr;
        }
        return &calls_[index];
    }

    // [main-thread] `visit(call, id)` for each call without an answer.
    template <typename Visit>
    void for_each_open(Visit&& visit) {
        for (OpenCall& call : std::span(calls_, used_.load(std::memory_order_relaxed))) {
            if (const std::uint64_t id = call.id.load(std::memory_order_acquire); id != 0) {
                visit(call, id);
            }
        }
    }

    static std::uint64_t id_of(const bulkhead_call* handle) noexcept {
        return reinterpret_cast<std::uintptr_t>(handle);
    }
    static bulkhead_call* handle_of(std::uint64_t id) noexcept {
        static_assert(sizeof(std::uintptr_t) >= sizeof id);
        return reinterpret_cast<bulkhead_call*>(id);
    }

  private:
    const transport::HostOutboxView& host_;
    std::size_t capacity_;
    OpenCall* calls_;  // the first `used_` of them were made
    std::atomic<std::size_t> used_{0};
    std::unique_ptr<CallBytes[]> bytes_;
};

}  // namespace bulkhead::worker
