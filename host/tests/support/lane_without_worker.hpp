// A lane that has no worker and never gets one: calls are accepted and wait.
#pragma once

#include <boost/asio/io_context.hpp>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lane.hpp"

namespace bulkhead::testing {

// Has the methods `once` and `again`, the second idempotent; room for `calls` calls. Its supervisor runs. Handlers
// without an executor of their own run in `context`. Nothing but the deadlines of its calls arms its timer.
class LaneWithoutWorker {
  public:
    explicit LaneWithoutWorker(std::uint32_t calls = 4);
    LaneWithoutWorker(const LaneWithoutWorker&) = delete;
    LaneWithoutWorker& operator=(const LaneWithoutWorker&) = delete;
    ~LaneWithoutWorker();

    detail::Lane& lane() noexcept { return *lane_; }
    detail::Lane* operator->() noexcept { return lane_.get(); }
    std::shared_ptr<detail::Lane> share() const noexcept { return lane_; }

    result<Bytes> call(const std::string& request, const CallOptions& options) {
        return lane_->call(nullptr, "once", std::as_bytes(std::span(request)), options);
    }
    // Starts a call; its handler runs inline.
    std::future<result<Bytes>> start(std::span<const std::byte> request, const CallOptions& options,
                                     const std::shared_ptr<detail::CancelTicket>& ticket);
    std::future<result<Bytes>> start(const std::string& request, const CallOptions& options,
                                     const std::shared_ptr<detail::CancelTicket>& ticket) {
        return start(std::as_bytes(std::span(request)), options, ticket);
    }
    std::future<result<Bytes>> start(const std::string& request, const CallOptions& options) {
        return start(request, options, std::make_shared<detail::CancelTicket>());
    }

    boost::asio::io_context context;

  private:
    std::shared_ptr<detail::Runtime> runtime_;
    std::shared_ptr<detail::Lane> lane_;
};

}  // namespace bulkhead::testing
