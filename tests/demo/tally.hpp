// What became of calls.
#pragma once

#include <array>
#include <bulkhead/host/bytes.hpp>
#include <bulkhead/host/error.hpp>
#include <bulkhead/host/stats.hpp>
#include <chrono>
#include <cstdint>

#include "common/samples.hpp"

namespace bulkhead::demo {

// Counts calls and their outcomes as a caller saw them. Value; one thread.
class Tally {
  public:
    // `right` says of a reply whether it is the one that was to be.
    void add(const result<Bytes>& outcome, bool right, std::chrono::nanoseconds latency);
    void add(const Tally& other);

    std::uint64_t calls() const noexcept { return calls_; }
    std::uint64_t replies() const noexcept { return replies_; }
    std::uint64_t wrong_replies() const noexcept { return wrong_replies_; }
    std::uint64_t failed(ErrorCode code) const noexcept { return errors_[static_cast<std::size_t>(code)]; }
    std::uint64_t errors() const noexcept;
    const Samples& latency() const noexcept { return latency_; }  // of replies

    // The host counted the same, and has an outcome for every call.
    bool agrees_with(const Stats& stats) const noexcept;

  private:
    std::uint64_t calls_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t wrong_replies_ = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(ErrorCode::session_lost) + 1> errors_{};
    Samples latency_;
};

// Makes a call by `ask`, which returns its result, and adds what became of it. `is_right` judges a reply.
template <typename Ask, typename IsRight>
result<Bytes> tallied(Tally& tally, Ask&& ask, IsRight&& is_right) {
    const auto begin = std::chrono::steady_clock::now();
    result<Bytes> outcome = ask();
    const auto latency = std::chrono::steady_clock::now() - begin;
    tally.add(outcome, outcome.has_value() && is_right(*outcome), latency);
    return outcome;
}

}  // namespace bulkhead::demo
