// Figures about a plugin.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"

namespace bulkhead {

// Counts durations in buckets that grow with the value: each power of two is cut into 16, so a quantile is at most
// 6% too large. Value type; one thread at a time.
class LatencyHistogram {
  public:
    void add(std::chrono::nanoseconds value) noexcept { ++buckets_[index_of(value)]; }
    std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t bucket : buckets_) {
            sum += bucket;
        }
        return sum;
    }
    // Upper bound of the bucket in which the quantile lies; `fraction` from 0 to 1. Zero when empty.
    BULKHEAD_HOST_EXPORT std::chrono::nanoseconds quantile(double fraction) const noexcept;

  private:
    static constexpr unsigned kSubBits = 4;
    static constexpr std::size_t kBuckets = (std::size_t{64} - kSubBits) << kSubBits;

    static std::size_t index_of(std::chrono::nanoseconds value) noexcept {
        const auto ns = static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count());
        if (ns < (1U << kSubBits)) {
            return ns;
        }
        const auto exponent = static_cast<unsigned>(std::bit_width(ns)) - 1 - kSubBits;
        return (static_cast<std::size_t>(exponent) << kSubBits) + static_cast<std::size_t>(ns >> exponent);
    }

    std::array<std::uint64_t, kBuckets> buckets_{};
};

// A snapshot. Every call that was accepted or refused is in exactly one outcome once it has ended. Deaths and restarts
// count when the host has looked into them, which can be after the next worker has answered its first calls.
struct Stats {
    std::uint64_t calls = 0;      // started, whatever became of them
    std::uint64_t succeeded = 0;  // ended in a reply
    std::array<std::uint64_t, static_cast<std::size_t>(ErrorCode::session_lost) + 1> errors{};  // by ErrorCode
    std::uint64_t in_flight = 0;                                                                // have no outcome yet
    std::uint64_t deaths = 0;    // workers that died unasked
    std::uint64_t restarts = 0;  // workers started after the first one
    std::uint64_t retries = 0;   // begun idempotent calls given to the next worker
    std::uint64_t spins = 0;     // how often a caller looked for its answer before it slept
    std::uint64_t dropped_lines = 0;
    LatencyHistogram latency;  // from call to outcome, of calls that succeeded

    std::uint64_t failed(ErrorCode code) const noexcept { return errors[static_cast<std::size_t>(code)]; }
    std::uint64_t ended() const noexcept {
        std::uint64_t sum = succeeded;
        for (const std::uint64_t count : errors) {
            sum += count;
        }
        return sum;
    }
};

}  // namespace bulkhead
