// A call between its arrival in the worker and its answer.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

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
// plugin that answers, apart from `id`, which decides under the reply outbox's lock who answered first.
struct OpenCall {
    std::atomic<std::uint64_t> id{0};  // 0: answered
    std::uint64_t deadline = 0;
    const transport::CallCell* cell = nullptr;
    ReplyBuffer buffer;
    CallBytes* bytes = nullptr;
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
          calls_(host.geometry().call_slots),
          bytes_(std::make_unique_for_overwrite<CallBytes[]>(host.geometry().call_slots)) {
        for (std::uint32_t index = 0; index < calls_.size(); ++index) {
            calls_[index].cell = &host.call_cell(index);
            calls_[index].bytes = &bytes_[index];
        }
    }

    // The slot of a call id. The host keeps ids in range.
    OpenCall& slot(std::uint64_t id) noexcept { return calls_[id & 0xFFFF]; }

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
        if (id == 0 || (id & 0xFFFF) >= calls_.size() || slot(id).id.load(std::memory_order_acquire) != id) {
            return nullptr;
        }
        return &slot(id);
    }

    // [main-thread] `visit(call, id)` for each call without an answer.
    template <typename Visit>
    void for_each_open(Visit&& visit) {
        for (OpenCall& call : calls_) {
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
    std::vector<OpenCall> calls_;
    std::unique_ptr<CallBytes[]> bytes_;
};

}  // namespace bulkhead::worker
