// A whole channel for a test.
#pragma once

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/worker_outbox.hpp"

namespace bulkhead::transport::testing {

// The host's ends of both outboxes, and the worker's descriptor, which a forked child finds under the same number.
struct Channel {
    Geometry geometry;
    HostOutbox to_worker;
    Descriptor worker_segment;
    WorkerOutboxView from_worker;
};

// Limits small enough that a test meets every one of them.
ChannelLimits small_limits();

// Throws when it cannot be made.
Channel make_channel(const ChannelLimits& limits = small_limits());

// The worker's ends, mapped in the child. Throws when they cannot be.
struct WorkerEnds {
    HostOutboxView from_host;
    WorkerOutbox to_host;
};
WorkerEnds map_worker_ends(const Channel& channel, std::uint32_t incarnation = 1);

}  // namespace bulkhead::transport::testing
