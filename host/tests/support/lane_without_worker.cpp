#include "support/lane_without_worker.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/system_executor.hpp>
#include <stdexcept>
#include <system_error>

namespace bulkhead::testing {

LaneWithoutWorker::LaneWithoutWorker(std::uint32_t calls) {
    HostOptions options;
    options.callback_executor = context.get_executor();
    std::error_code error;
    runtime_ = std::make_shared<detail::Runtime>(std::move(options), error);
    if (error) {
        throw std::system_error(error, "the supervisor");
    }
    runtime_->callbacks = runtime_->options.callback_executor;
    runtime_->supervisor.start();
    auto release = std::make_shared<detail::Release>();
    release->manifest.name = "resizer";
    release->manifest.supervision.hang_grace = std::chrono::hours(1);
    release->manifest.channel.payload = 4096;
    release->manifest.channel.in_flight = calls;
    release->manifest.channel.in_flight_bytes = 2 * 4096;
    release->geometry = transport::plan_geometry(release->manifest.channel).value();
    release->set_methods({{"once", false}, {"again", true}});
    auto lane = detail::Lane::create(runtime_, std::move(release));
    if (!lane) {
        throw std::runtime_error(lane.error().message);
    }
    lane_ = *std::move(lane);
}

LaneWithoutWorker::~LaneWithoutWorker() {
    lane_->begin_stop();
    lane_->finish_stop();
    runtime_->supervisor.stop();
}

std::future<result<Bytes>> LaneWithoutWorker::start(std::span<const std::byte> request, const CallOptions& options,
                                                    const std::shared_ptr<detail::CancelTicket>& ticket) {
    auto promise = std::make_shared<std::promise<result<Bytes>>>();
    std::future<result<Bytes>> future = promise->get_future();
    auto handler = boost::asio::bind_executor(
        boost::asio::system_executor(), [promise](result<Bytes> outcome) { promise->set_value(std::move(outcome)); });
    lane_->start_call(nullptr, "once", std::nullopt, request, options,
                      detail::make_completion(std::move(handler), runtime_->callbacks, ticket), ticket);
    return future;
}

}  // namespace bulkhead::testing
