// Reads all that a worker may write, the way a lane does, and knows what must hold whatever the bytes are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pending_calls.hpp"
#include "support/guarded_outbox.hpp"
#include "worker_statements.hpp"

namespace bulkhead::testing {

// One host's side of an outbox with four calls: two open, one decided, one that is still being prepared. One thread.
class OutboxAudit {
  public:
    explicit OutboxAudit(const GuardedOutbox& outbox);

    // What an honest worker says: methods, two log lines, a reply to each published call, one of them in the slab.
    static void be_honest(GuardedOutbox& outbox);

    // Reads everything that was written since the last time. Replies only until a rule was broken.
    void read();

    // The rule that the worker broke; empty: none.
    const std::string& broken_rule() const noexcept { return broken_rule_; }
    // What can never be, whatever the worker writes: a bug of the host. In words; empty: none.
    const std::vector<std::string>& impossible() const noexcept { return impossible_; }
    std::size_t replies() const noexcept { return replies_; }
    std::size_t lines() const noexcept { return lines_; }
    const std::vector<MethodDescription>& methods() const noexcept { return methods_; }
    const std::string& wrong_methods() const noexcept { return wrong_methods_; }

  private:
    void require(bool holds, const char* what);
    void read_replies();
    void settle(detail::PendingCall& call, const transport::Message& message);
    void read_log();
    void read_methods();

    const GuardedOutbox& outbox_;
    detail::PendingCalls calls_;
    transport::RingReader reader_;
    detail::LogRingReader log_;
    std::string broken_rule_;
    std::vector<std::string> impossible_;
    std::size_t replies_ = 0;
    std::size_t lines_ = 0;
    std::vector<MethodDescription> methods_;
    std::string wrong_methods_;
};

}  // namespace bulkhead::testing
