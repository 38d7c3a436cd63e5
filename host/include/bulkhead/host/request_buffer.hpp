// A request that is built where the worker reads it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "bulkhead/host/export.hpp"

namespace bulkhead {

namespace detail {
class Lane;
struct PendingCall;
}  // namespace detail

// Room for one request of one plugin, in the memory that its workers read: nothing is copied when it is called with.
// Made by prepare() of Plugin or Session, used up by call() or call_in_place() of the same one; dropped before that it
// gives the room back. It takes the room of one call in flight (limits.in_flight, and with more than 72 bytes its size
// of limits.in_flight_bytes) until then, so do not keep many. Workers may come and go meanwhile.
//
// Move-only; one thread at a time, any thread. May outlive the plugin and the Host; then calls with it end as
// `stopped`. Whoever still writes to the bytes after the call writes into somebody else's request.
class BULKHEAD_HOST_EXPORT RequestBuffer {
  public:
    RequestBuffer(RequestBuffer&& other) noexcept
        : lane_(std::move(other.lane_)),
          call_(std::exchange(other.call_, nullptr)),
          bytes_(std::exchange(other.bytes_, {})) {}
    RequestBuffer& operator=(RequestBuffer&& other) noexcept {
        RequestBuffer(std::move(other)).swap(*this);
        return *this;
    }
    ~RequestBuffer() { drop(); }

    // Where the request is built. Of any content at first; stays where it is when this object is moved. Empty once it
    // was used up.
    std::span<std::byte> bytes() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return bytes_.size(); }
    // Only the first `size` bytes are the request; more than there are changes nothing.
    void truncate(std::size_t size) noexcept { bytes_ = bytes_.first(size < bytes_.size() ? size : bytes_.size()); }
    // Whether it can be called with.
    explicit operator bool() const noexcept { return call_ != nullptr; }

  private:
    friend class detail::Lane;
    BULKHEAD_HOST_PRIVATE RequestBuffer(std::shared_ptr<detail::Lane> lane, detail::PendingCall& call,
                                        std::span<std::byte> bytes) noexcept;
    void swap(RequestBuffer& other) noexcept {
        std::swap(lane_, other.lane_);
        std::swap(call_, other.call_);
        std::swap(bytes_, other.bytes_);
    }
    void drop() noexcept;

    std::shared_ptr<detail::Lane> lane_;
    detail::PendingCall* call_;
    std::span<std::byte> bytes_;
};

}  // namespace bulkhead
