// A call as the fake worker gives it to a plugin. Defines the `bulkhead_call` that the ABI leaves opaque.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin::testing {

// How a call ended.
struct Answer {
    enum class Kind { reply, error, too_large };
    Kind kind = Kind::reply;
    std::int32_t number = 0;  // of an error
    std::string text;         // the reply's bytes or the error's text
};

struct CallOptions {
    std::size_t payload_limit = std::size_t{1} << 20;
    std::uint64_t deadline = 0;  // CLOCK_MONOTONIC in nanoseconds
    std::optional<std::array<std::uint8_t, 16>> trace_id = std::nullopt;
};

}  // namespace bulkhead::plugin::testing

// Answered from any thread; the test's thread waits. Its request is freed with the answer, so a plugin that reads
// on is caught by AddressSanitizer. It outlives its answer, so that a second one is counted and not undefined.
struct bulkhead_call {
    using Answer = bulkhead::plugin::testing::Answer;
    using CallOptions = bulkhead::plugin::testing::CallOptions;

    bulkhead_call(std::string_view request, const CallOptions& options)
        : options_(options), request_(new char[request.size()]), request_size_(request.size()) {
        request.copy(request_.get(), request.size());
    }

    bulkhead_bytes request() const { return {request_.get(), request_size_}; }
    const CallOptions& options() const { return options_; }

    void cancel() { cancelled_ = true; }
    bool cancelled() const {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
        return cancelled_ || (options_.deadline != 0 && static_cast<std::uint64_t>(nanoseconds) > options_.deadline);
    }

    void* reply_buffer(std::size_t size) {
        if (size > options_.payload_limit) {
            return nullptr;
        }
        reply_buffer_.reset(new char[size]);
        return reply_buffer_.get();
    }
    std::string_view built_reply(std::size_t size) const { return {reply_buffer_.get(), size}; }

    void answer(Answer answer) {
        const std::lock_guard lock(mutex_);
        if (answers_++ == 0) {
            answer_ = std::move(answer);
            request_.reset();
            reply_buffer_.reset();
        }
        answered_.notify_all();
    }

    bool answered() const {
        const std::lock_guard lock(mutex_);
        return answers_ > 0;
    }
    int answers() const {
        const std::lock_guard lock(mutex_);
        return answers_;
    }
    Answer wait() const {
        std::unique_lock lock(mutex_);
        if (!answered_.wait_for(lock, std::chrono::seconds(20), [this] { return answers_ > 0; })) {
            throw std::runtime_error("the plugin did not answer within 20 seconds");
        }
        return answer_;
    }

  private:
    const CallOptions options_;
    std::unique_ptr<char[]> request_;
    const std::size_t request_size_;
    std::unique_ptr<char[]> reply_buffer_;
    std::atomic<bool> cancelled_{false};

    mutable std::mutex mutex_;
    mutable std::condition_variable answered_;
    int answers_ = 0;
    Answer answer_;
};
