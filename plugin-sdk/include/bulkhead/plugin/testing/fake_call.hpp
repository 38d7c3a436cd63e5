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
#include "bulkhead/plugin/testing/answer.hpp"

namespace bulkhead::plugin::testing {

// How a call of the fake worker is made.
struct FakeCallOptions {
    std::size_t payload_limit = std::size_t{1} << 20;
    std::uint64_t deadline = 0;  // CLOCK_MONOTONIC in nanoseconds; 0: none
    std::optional<std::array<std::uint8_t, 16>> trace_id = std::nullopt;
};

}  // namespace bulkhead::plugin::testing

// Answered from any thread; the test's thread waits. Its request is freed with the answer, so a plugin that reads
// on is caught by AddressSanitizer. It outlives its answer, so that a second one is counted and not undefined.
struct bulkhead_call {
    using Answer = bulkhead::plugin::testing::Answer;
    using FakeCallOptions = bulkhead::plugin::testing::FakeCallOptions;

    bulkhead_call(std::string_view request, const FakeCallOptions& options)
        : options_(options), request_(new char[request.size()]), request_size_(request.size()) {
        request.copy(request_.get(), request.size());
    }

    bulkhead_bytes request() const { return {request_.get(), request_size_}; }
    const FakeCallOptions& options() const { return options_; }

    void cancel() {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        late_ = answers_ == 0;
        answered_.notify_all();
    }
    bool was_cancelled() const { return cancelled_; }
    bool cancelled() const {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
        return cancelled_ || answered() ||
               (options_.deadline != 0 && static_cast<std::uint64_t>(nanoseconds) > options_.deadline);
    }

    void* reply_buffer(std::size_t size) {
        const std::lock_guard lock(mutex_);
        if (size > options_.payload_limit || answers_ > 0) {
            return nullptr;
        }
        reply_buffer_.reset(new char[size]);
        reply_buffer_size_ = size;
        return reply_buffer_.get();
    }
    void commit_reply(std::size_t size) {
        const std::lock_guard lock(mutex_);
        if (size <= reply_buffer_size_) {
            answer_locked({Answer::Kind::reply, 0, std::string(std::string_view(reply_buffer_.get(), size))});
        } else {
            answer_locked({Answer::Kind::error, 0,
                           "the plugin committed " + std::to_string(size) + " bytes of a reply buffer that has " +
                               std::to_string(reply_buffer_size_)});
        }
    }

    void answer(Answer answer) {
        const std::lock_guard lock(mutex_);
        answer_locked(std::move(answer));
    }

    // As a worker does before it destroys the plugin: fails the call if it is open. What the plugin does with it from
    // now on is ignored; request and reply buffer stay where they are.
    void close() {
        const std::lock_guard lock(mutex_);
        if (answers_ == 0) {
            answer_ = {Answer::Kind::error, 0, "the plugin was stopped before it answered"};
            answers_ = 1;
        }
        closed_ = true;
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
    // Empty: there was no answer by then, or the test's own cancel() came first.
    std::optional<Answer> wait_until(std::chrono::steady_clock::time_point time) const {
        std::unique_lock lock(mutex_);
        answered_.wait_until(lock, time, [this] { return answers_ > 0 || cancelled_; });
        return answers_ > 0 && !late_ && answered_at_ <= time ? std::optional(answer_) : std::nullopt;
    }

  private:
    void answer_locked(Answer answer) {
        if (closed_) {
            return;
        }
        if (answers_++ == 0) {
            answered_at_ = std::chrono::steady_clock::now();
            answer_ = std::move(answer);
            request_.reset();
            reply_buffer_.reset();
            reply_buffer_size_ = 0;
        }
        answered_.notify_all();
    }

    const FakeCallOptions options_;
    std::unique_ptr<char[]> request_;
    const std::size_t request_size_;
    std::unique_ptr<char[]> reply_buffer_;
    std::size_t reply_buffer_size_ = 0;
    std::atomic<bool> cancelled_{false};

    mutable std::mutex mutex_;
    mutable std::condition_variable answered_;
    int answers_ = 0;
    bool closed_ = false;
    bool late_ = false;  // the answer, if any, came after cancel()
    std::chrono::steady_clock::time_point answered_at_;
    Answer answer_;
};
