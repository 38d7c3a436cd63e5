// A call on its way into a lane.
#pragma once

#include <bulkhead/transport/waiting.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "async_waiter.hpp"
#include "bulkhead/host/call_options.hpp"
#include "pending_calls.hpp"
#include "session_pin.hpp"

namespace bulkhead::detail {

// A call that was found in order.
struct Submission {
    std::uint16_t method = 0;
    transport::SteadyTime begin;
    transport::SteadyTime deadline;
    std::shared_ptr<SessionPin> session;  // null: none
    bool patient = false;                 // waits for a worker even when none is on its way
};

// An asynchronous one that waits for room.
struct Deferred {
    Submission submission;
    std::vector<std::byte> request;
    CallOptions options;
    std::unique_ptr<AsyncWaiter> waiter;
};

// What became of one: a call, or why there is none.
struct Admission {
    PendingCall* call = nullptr;
    std::optional<ErrorCode> refused;
};

}  // namespace bulkhead::detail
