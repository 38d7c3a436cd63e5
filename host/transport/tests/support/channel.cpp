#include "support/channel.hpp"

namespace bulkhead::transport::testing {
namespace {

void require(const std::error_code& error, const char* step) {
    if (error) {
        throw std::system_error(error, step);
    }
}

}  // namespace

ChannelLimits small_limits() {
    ChannelLimits limits;
    limits.payload = std::uint64_t{64} << 10;
    limits.in_flight = 16;
    limits.in_flight_bytes = std::uint64_t{160} << 10;
    limits.log_lines = 8;
    return limits;
}

Channel make_channel(const ChannelLimits& limits) {
    Channel channel;
    channel.geometry = plan_geometry(limits).value();
    std::error_code error;
    channel.to_worker = HostOutbox::create(channel.geometry, std::chrono::microseconds(20), error);
    require(error, "the host outbox");
    channel.worker_segment = create_worker_outbox(channel.geometry, "", error);
    require(error, "the worker outbox");
    channel.from_worker = WorkerOutboxView::map(channel.worker_segment, channel.geometry, error);
    require(error, "the view of the worker outbox");
    return channel;
}

WorkerEnds map_worker_ends(const Channel& channel, std::uint32_t incarnation) {
    WorkerEnds ends;
    std::error_code error;
    ends.from_host = HostOutboxView::map(channel.to_worker.descriptor(), error);
    require(error, "the view of the host outbox");
    ends.to_host = WorkerOutbox::map(channel.worker_segment, ends.from_host.geometry(), incarnation, error);
    require(error, "the worker outbox");
    return ends;
}

}  // namespace bulkhead::transport::testing
