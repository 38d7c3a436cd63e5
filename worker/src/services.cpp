#include "services.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "checkpoints.hpp"

namespace bulkhead::worker {

using transport::Kind;
using transport::Message;

namespace {

constexpr std::size_t kMaxErrorText = 4096;

// The one of this process; the functions of the ABI have nothing else to find it by.
Services* the_services = nullptr;

Message message_for(const bulkhead_call* handle, Kind kind) {
    Message message;
    message.call_id = OpenCalls::id_of(handle);
    message.kind = static_cast<std::uint8_t>(kind);
    return message;
}

const OpenCall* open_call(const bulkhead_call* handle) { return the_services->calls().find(handle); }

const bulkhead_services kTable = {
    sizeof(bulkhead_services),
    BULKHEAD_ABI_VERSION,
    0,
    [](bulkhead_log_level level, const char* text, size_t length) {
        the_services->log(static_cast<std::uint32_t>(level), {text, length});
    },
    [](bulkhead_call* call, const void* data, size_t size) { the_services->reply(call, data, size); },
    [](bulkhead_call* call, size_t size) { return the_services->reply_buffer(call, size); },
    [](bulkhead_call* call, size_t size) { the_services->commit_reply(call, size); },
    [](bulkhead_call* call, int32_t number, const char* text) {
        the_services->fail(call, number, text != nullptr ? text : "");
    },
    [](const bulkhead_call* handle) -> uint64_t {
        const OpenCall* call = open_call(handle);
        return call != nullptr ? call->deadline : 0;
    },
    [](const bulkhead_call* handle) {
        const OpenCall* call = open_call(handle);
        return call != nullptr && call->is_wanted() ? 0 : 1;
    },
    [](const bulkhead_call* handle, uint8_t id[16]) {
        const OpenCall* call = open_call(handle);
        if (call == nullptr || !call->traced) {
            return 0;
        }
        std::memcpy(id, call->bytes->trace_id.data(), call->bytes->trace_id.size());
        return 1;
    },
    [] { return the_services->directory(); },
    [](bulkhead_state*, const void* data, size_t size) {
        return the_services->checkpoints().write(data, size) ? 0 : 1;
    },
    [] { the_services->checkpoints().request(); },
};

}  // namespace

Services::Services(transport::WorkerOutbox& outbox, const SignalEvent& signal, ReplyOutbox& replies, OpenCalls& calls,
                   std::uint64_t payload_limit, std::string directory)
    : outbox_(outbox),
      signal_(signal),
      replies_(replies),
      calls_(calls),
      payload_limit_(payload_limit),
      directory_(std::move(directory)) {
    the_services = this;
}

const bulkhead_services& Services::table() const noexcept { return kTable; }

void Services::log(std::uint32_t level, std::string_view text) noexcept {
    {
        const std::lock_guard lock(log_mutex_);
        outbox_.write_log_line(level, text);
    }
    signal_.raise();
}

void Services::complain_of_second_answer(const char* function) noexcept {
    if (closed_.load(std::memory_order_relaxed)) {
        return;
    }
    char line[transport::kLogLineCapacity];
    const int length =
        std::snprintf(line, sizeof line, "the plugin's use of %s was ignored: the call was answered before", function);
    log(BULKHEAD_LOG_ERROR, {line, std::min<std::size_t>(static_cast<std::size_t>(length), sizeof line - 1)});
}

OpenCall* Services::find(const bulkhead_call* handle, const char* function) noexcept {
    OpenCall* call = calls_.find(handle);
    if (call == nullptr) {
        complain_of_second_answer(function);
    }
    return call;
}

bool Services::answer(OpenCall& call, Message& message, const char* function) noexcept {
    const bool counts = replies_.answer(call, message);
    if (!counts) {
        complain_of_second_answer(function);
    }
    return counts;
}

void Services::close_calls() noexcept {
    closed_.store(true, std::memory_order_relaxed);
    calls_.for_each_open([this](OpenCall& call, std::uint64_t id) {
        Message message = short_error(id, "the plugin was stopped before it answered");
        // A thread of the plugin may answer at the same moment; then that answer counts.
        replies_.close(call, message);
    });
}

void Services::reply(bulkhead_call* handle, const void* data, std::size_t size) noexcept {
    OpenCall* call = find(handle, "reply");
    if (call == nullptr) {
        return;
    }
    if (size > 0 && replies_.may_be_buffer(*call, data)) {
        const auto buffer = replies_.buffer_of(*call, OpenCalls::id_of(handle));
        if (buffer && buffer->data == data) {
            commit_reply(handle, size);
            return;
        }
    }
    if (size > payload_limit_) {
        Message message = message_for(handle, Kind::reply_too_large);
        answer(*call, message, "reply");
        return;
    }
    Message message = message_for(handle, Kind::reply);
    answer_with_copy(*call, message, data, size, "reply");
}

void Services::answer_with_copy(OpenCall& call, Message& message, const void* data, std::size_t size,
                                const char* function) noexcept {
    message.length = static_cast<std::uint32_t>(size);
    if (size <= transport::kInlineCapacity) {
        if (data != nullptr) {
            transport::copy_lines(message.inline_bytes, static_cast<const std::byte*>(data), size);
        }
    } else if (const Room room = call.is_wanted() ? replies_.allocate(size, call, message.call_id) : Room();
               room.block) {
        std::memcpy(replies_.block(*room.block), data, size);
        message.set_slab_offset(*room.block);
        if (!answer(call, message, function)) {
            replies_.free(*room.block);
        }
        return;
    } else if (!call.is_wanted()) {
        message.length = 0;  // the host drops the answer but needs to see one
    } else if (static_cast<Kind>(message.kind) == Kind::plugin_error) {
        message.length = transport::kInlineCapacity;
        std::memcpy(message.inline_bytes, data, transport::kInlineCapacity);
    } else {
        message = short_error(message.call_id, room.shortage);
    }
    answer(call, message, function);
}

void* Services::reply_buffer(bulkhead_call* handle, std::size_t size) noexcept {
    OpenCall* call = find(handle, "reply_buffer");
    if (call == nullptr || size > payload_limit_) {
        return nullptr;
    }
    const std::uint64_t id = OpenCalls::id_of(handle);
    replies_.set_buffer(*call, id, {});  // first, as its room may be what the new one takes
    ReplyBuffer buffer{call->bytes->reply.data(), call->bytes->reply.size(), std::nullopt};
    if (size > transport::kInlineCapacity) {
        const Room room = replies_.allocate(size, *call, id);
        if (!room.block) {
            return nullptr;
        }
        buffer = {replies_.block(*room.block), size, room.block};
    }
    if (!replies_.set_buffer(*call, id, buffer)) {
        complain_of_second_answer("reply_buffer");
        return nullptr;
    }
    return buffer.data;
}

void Services::commit_reply(bulkhead_call* handle, std::size_t size) noexcept {
    OpenCall* call = find(handle, "commit_reply");
    if (call == nullptr) {
        return;
    }
    const auto found = replies_.buffer_of(*call, OpenCalls::id_of(handle));
    if (!found) {
        complain_of_second_answer("commit_reply");
        return;
    }
    const ReplyBuffer& buffer = *found;
    if (size > buffer.size) {
        char text[120];
        std::snprintf(text, sizeof text, "the plugin committed %zu bytes of a reply buffer that has %zu", size,
                      buffer.size);
        fail(handle, 0, text);
        return;
    }
    Message message = message_for(handle, Kind::reply);
    message.length = static_cast<std::uint32_t>(size);
    if (size <= transport::kInlineCapacity) {
        std::memcpy(message.inline_bytes, buffer.data != nullptr ? buffer.data : message.inline_bytes, size);
    } else {
        message.set_slab_offset(*buffer.block);
    }
    answer(*call, message, "commit_reply");
}

void Services::fail(bulkhead_call* handle, std::int32_t number, std::string_view text) noexcept {
    OpenCall* call = find(handle, "fail");
    if (call == nullptr) {
        return;
    }
    Message message = message_for(handle, Kind::plugin_error);
    message.status = number;
    const std::size_t size = std::min({text.size(), kMaxErrorText, static_cast<std::size_t>(payload_limit_)});
    answer_with_copy(*call, message, text.data(), size, "fail");
}

}  // namespace bulkhead::worker
