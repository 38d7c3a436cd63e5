// A reply that is looked at where the plugin built it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "bulkhead/host/bytes.hpp"
#include "bulkhead/host/export.hpp"

namespace bulkhead {

namespace detail {
class Lane;
struct WorkerProcess;
}  // namespace detail

// The bytes of one reply, in the memory of the worker that gave it, which can still change them at any time: what was
// checked a moment ago may be something else now. So parse nothing in place. Look at each byte once, or copy what
// matters with copy() or read(), then check the copy. Whatever the worker does, the bytes can be read, also when it is
// dead, its plugin unloaded or the Host gone.
//
// A view takes the room of one call in flight, and its bytes that of other replies, until it is released. Views never
// take more than half of either: a reply for which there is no such room is copied, as is one of at most 88 bytes;
// in_place() says so. Such bytes no worker can change. The memory of a worker stays until its last view is released.
//
// Move-only; one thread at a time, any thread. A child that the server forked can release views but not read them.
class BULKHEAD_HOST_EXPORT UntrustedView {
  public:
    UntrustedView(UntrustedView&& other) noexcept
        : lane_(std::move(other.lane_)),
          worker_(std::move(other.worker_)),
          call_id_(std::exchange(other.call_id_, 0)),
          shared_(std::exchange(other.shared_, {})),
          copied_(std::move(other.copied_)) {}
    UntrustedView& operator=(UntrustedView&& other) noexcept {
        if (this != &other) {
            release();
            lane_ = std::move(other.lane_);
            worker_ = std::move(other.worker_);
            call_id_ = std::exchange(other.call_id_, 0);
            shared_ = std::exchange(other.shared_, {});
            copied_ = std::move(other.copied_);
        }
        return *this;
    }
    ~UntrustedView() { release(); }

    // Valid until the view is released, moved or destroyed. Not to be parsed in place.
    std::span<const std::byte> bytes() const noexcept { return worker_ ? shared_ : copied_.view(); }
    std::size_t size() const noexcept { return bytes().size(); }
    bool empty() const noexcept { return bytes().empty(); }
    // The worker may change the bytes. False: they are a copy.
    bool in_place() const noexcept { return worker_ != nullptr; }

    // A copy of all of it, as it is now. Throws std::bad_alloc.
    Bytes copy() const;
    // Copies the `target.size()` bytes from `offset` on, each read once. False, and nothing copied: there are not so
    // many.
    bool read(std::size_t offset, std::span<std::byte> target) const noexcept;

    // The worker may use the room again. Empty from now on. Nothing when it was released already.
    void release() noexcept;

  private:
    friend class detail::Lane;
    BULKHEAD_HOST_PRIVATE UntrustedView(std::shared_ptr<detail::Lane> lane,
                                        std::shared_ptr<detail::WorkerProcess> worker, std::uint64_t call_id,
                                        std::span<const std::byte> bytes) noexcept;
    BULKHEAD_HOST_PRIVATE explicit UntrustedView(Bytes copied) noexcept;

    std::shared_ptr<detail::Lane> lane_;
    std::shared_ptr<detail::WorkerProcess> worker_;  // null: the bytes are in copied_
    std::uint64_t call_id_ = 0;
    std::span<const std::byte> shared_;
    Bytes copied_;
};

}  // namespace bulkhead
