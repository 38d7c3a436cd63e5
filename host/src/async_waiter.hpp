// A call whose caller does not block.
#pragma once

#include <cstdint>
#include <memory>

#include "bulkhead/host/completion.hpp"
#include "pending_calls.hpp"

namespace bulkhead::detail {

// Waits for an outcome that goes to a handler. Owned by its PendingCall, then by a Completions list.
struct AsyncWaiter : Waiter {
    std::unique_ptr<Completion> completion;
    std::shared_ptr<CancelTicket> ticket;  // null: nobody can cancel it
    std::uint16_t method = 0;
    std::uint64_t call_id = 0;
    std::unique_ptr<AsyncWaiter> next;
};

}  // namespace bulkhead::detail
