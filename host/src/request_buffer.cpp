#include "bulkhead/host/request_buffer.hpp"

#include "lane.hpp"

namespace bulkhead {

RequestBuffer::RequestBuffer(std::shared_ptr<detail::Lane> lane, detail::PendingCall& call,
                             std::span<std::byte> bytes) noexcept
    : lane_(std::move(lane)), call_(&call), bytes_(bytes) {}

void RequestBuffer::drop() noexcept {
    if (call_ != nullptr) {
        lane_->drop(*std::exchange(call_, nullptr));
    }
}

}  // namespace bulkhead
