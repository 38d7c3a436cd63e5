// One call on its way through the plugin.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "bulkhead/plugin/codec.hpp"
#include "bulkhead/plugin/error.hpp"
#include "bulkhead/plugin/plugin.h"
#include "bulkhead/plugin/services.hpp"

namespace bulkhead::plugin {

// Owns the duty to answer one call, exactly once. A handler that answers later takes it by value and keeps it;
// dropped unanswered it fails the call, so that no caller waits in vain. One thread at a time; it may be moved
// to another thread and be answered there, until the plugin object has been destroyed.
class Call {
  public:
    Call(Services services, bulkhead_call* call, bulkhead_bytes request) noexcept
        : services_(services), call_(call), request_(request) {}

    // Lent: destroyed unanswered before it was moved anywhere, it gives the duty back by setting `*lender`.
    Call(Services services, bulkhead_call* call, bulkhead_bytes request, bulkhead_call** lender) noexcept
        : services_(services), call_(call), request_(request), lender_(lender) {}

    Call(Call&& other) noexcept
        : services_(other.services_), call_(std::exchange(other.call_, nullptr)), request_(other.request_) {}
    Call& operator=(Call&& other) noexcept {
        if (this != &other) {
            lender_ = nullptr;  // overwritten, not left for its lender to answer
            drop();
            services_ = other.services_;
            call_ = std::exchange(other.call_, nullptr);
            request_ = other.request_;
        }
        return *this;
    }
    ~Call() { drop(); }

    // Whether it still waits for its answer here.
    explicit operator bool() const noexcept { return call_ != nullptr; }

    // The request, in place: valid until the call is answered.
    std::span<const std::byte> bytes() const noexcept {
        return {static_cast<const std::byte*>(request_.data), request_.size};
    }
    std::string_view text() const noexcept { return Codec<std::string_view>::decode(bytes()); }

    // Answers with a copy of the bytes of `value`. An answer over the payload limit reaches the caller as
    // `too_large`.
    template <Encodable T>
    void reply(const T& value) {
        const auto encoded = Codec<T>::encode(value);
        const auto answer = std::as_bytes(std::span(encoded));
        services_.table().reply(take(), answer.data(), answer.size());
    }
    void reply(std::string_view text) { services_.table().reply(take(), text.data(), text.size()); }
    void reply() { services_.table().reply(take(), nullptr, 0); }

    // Where the answer can be built without a copy, aligned to 16. Asking again replaces the buffer. Throws Error
    // when `size` is over the payload limit or no room came free in time; then the call is still open.
    std::span<std::byte> reply_buffer(std::size_t size) {
        void* buffer = services_.table().reply_buffer(opened(), size);
        if (buffer == nullptr && size > 0) {
            throw Error(kUnspecified, "there is no room for an answer of " + std::to_string(size) + " bytes");
        }
        return {static_cast<std::byte*>(buffer), size};
    }
    // Answers with the first `size` bytes of that buffer.
    void commit_reply(std::size_t size) { services_.table().commit_reply(take(), size); }

    // Answers with an error of the plugin's own.
    void fail(std::int32_t number, const char* text) { services_.table().fail(take(), number, text); }
    void fail(const Error& error) { fail(error.number(), error.what()); }

    // When the caller stops waiting; none when it waits for as long as it takes.
    std::optional<std::chrono::steady_clock::time_point> deadline() const {
        const std::uint64_t nanoseconds = services_.table().deadline(opened());
        if (nanoseconds == 0) {
            return std::nullopt;
        }
        return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(nanoseconds));
    }

    // Nobody waits for the answer any more: give up early. The call still has to be answered.
    bool cancelled() const { return services_.table().cancelled(opened()) != 0; }

    // What ties this call to others of the same caller, in traces.
    std::optional<std::array<std::uint8_t, 16>> trace_id() const {
        std::array<std::uint8_t, 16> id{};
        if (services_.table().trace_id(opened(), id.data()) == 0) {
            return std::nullopt;
        }
        return id;
    }

    Services services() const noexcept { return services_; }
    void log(LogLevel level, std::string_view text) const noexcept { services_.log(level, text); }
    LogStream log(LogLevel level) const { return services_.log(level); }

  private:
    bulkhead_call* opened() const {
        if (call_ == nullptr) {
            throw std::logic_error("the call has been answered or moved away already");
        }
        return call_;
    }
    bulkhead_call* take() {
        bulkhead_call* call = opened();
        call_ = nullptr;
        return call;
    }
    void drop() noexcept {
        bulkhead_call* call = std::exchange(call_, nullptr);
        if (call == nullptr) {
            return;
        }
        if (lender_ != nullptr) {
            *lender_ = call;
        } else {
            services_.table().fail(call, kUnspecified, "dropped without an answer");
        }
    }

    Services services_;
    bulkhead_call* call_;
    bulkhead_bytes request_;
    bulkhead_call** lender_ = nullptr;
};

}  // namespace bulkhead::plugin
