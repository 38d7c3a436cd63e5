#include "bulkhead/host/untrusted_view.hpp"

#include <bulkhead/transport/read_once.hpp>

#include "lane.hpp"

namespace bulkhead {

UntrustedView::UntrustedView(std::shared_ptr<detail::Lane> lane, std::shared_ptr<detail::WorkerProcess> worker,
                             std::uint64_t call_id, std::span<const std::byte> bytes) noexcept
    : lane_(std::move(lane)), worker_(std::move(worker)), call_id_(call_id), shared_(bytes) {}

UntrustedView::UntrustedView(Bytes copied) noexcept : copied_(std::move(copied)) {}

Bytes UntrustedView::copy() const {
    Bytes copied = Bytes::uninitialized(size());
    static_cast<void>(read(0, {copied.data(), copied.size()}));
    return copied;
}

bool UntrustedView::read(std::size_t offset, std::span<std::byte> target) const noexcept {
    const std::span<const std::byte> all = bytes();
    if (offset > all.size() || target.size() > all.size() - offset) {
        return false;
    }
    if (!target.empty()) {
        transport::copy_once(target.data(), all.data() + offset, target.size());
    }
    return true;
}

void UntrustedView::release() noexcept {
    if (worker_) {
        lane_->release_view(*worker_, std::exchange(call_id_, 0));
        worker_.reset();
        lane_.reset();
    }
    shared_ = {};
    copied_ = {};
}

}  // namespace bulkhead
