// What callers were told, so that the host's own figures can be compared with it.
#pragma once

#include <array>
#include <bulkhead/host/bytes.hpp>
#include <bulkhead/host/error.hpp>
#include <bulkhead/host/stats.hpp>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace bulkhead::tests {

// The outcomes of one plugin's calls. Any thread.
class Ledger {
  public:
    // Of a call that makes no change that is counted.
    void note(const result<Bytes>& outcome);
    // Of one that adds one to a count and answers with the count.
    void note_increment(const result<Bytes>& outcome);
    // A reply that is not the call's own, an error that nothing here can cause: in words.
    void note_wrong(std::string what);

    std::uint64_t answered() const;
    std::uint64_t failed() const;
    std::string wrong() const;  // one line each; empty: nothing
    // Increments that are in the count for certain, and those that may be.
    long long certain() const;
    long long possible() const;
    // What differs from what the host counted meanwhile; empty: nothing.
    std::string difference(const Stats& before, const Stats& now) const;

  private:
    mutable std::mutex mutex_;
    std::uint64_t answered_ = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(ErrorCode::session_lost) + 1> errors_{};
    std::string wrong_;
    long long certain_ = 0;
    long long possible_ = 0;
    std::vector<bool> given_;  // which counts
};

}  // namespace bulkhead::tests
