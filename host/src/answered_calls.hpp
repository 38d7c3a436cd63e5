// The last calls that a worker answered, for its report.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "pending_calls.hpp"

namespace bulkhead::detail {

struct AnsweredCall {
    std::uint64_t id = 0;
    transport::SteadyTime begin;
    std::uint32_t length = 0;  // bytes of its request
    std::uint16_t method = 0;
};

// A few stores for each call, no allocation. Guarded by the lane's mutex.
class AnsweredCalls {
  public:
    void add(const PendingCall& call) noexcept {
        calls_[count_++ % calls_.size()] = {call.id, call.begin, call.message.length, call.message.method};
    }
    // The latest first.
    std::vector<AnsweredCall> all() const {
        std::vector<AnsweredCall> found;
        for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(count_, calls_.size()); ++back) {
            found.push_back(calls_[(count_ - back) % calls_.size()]);
        }
        return found;
    }

  private:
    std::array<AnsweredCall, 8> calls_;
    std::uint64_t count_ = 0;
};

}  // namespace bulkhead::detail
