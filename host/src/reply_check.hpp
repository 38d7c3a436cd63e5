// Which replies a worker can have written by right.
#pragma once

#include <bulkhead/transport/ring.hpp>
#include <bulkhead/transport/worker_outbox.hpp>

#include "pending_calls.hpp"

namespace bulkhead::detail {

struct ReplyVerdict {
    PendingCall* call = nullptr;        // whom it answers
    const char* broken_rule = nullptr;  // not null: the reply cannot be right; a clause that says why
};

// Judges a message that was copied out of the reply ring. Pure; under the lane's mutex.
ReplyVerdict check_reply(const transport::Message& message, const transport::WorkerOutboxView& view,
                         const transport::Geometry& geometry, std::uint32_t incarnation, PendingCalls& calls);

}  // namespace bulkhead::detail
