// How large the parts of a channel are and where they lie.
#pragma once

#include <cstdint>
#include <optional>

#include "bulkhead/transport/layout.hpp"

namespace bulkhead::transport {

inline constexpr std::uint64_t kMaxInFlightBytes = std::uint64_t{64} << 30;
inline constexpr std::uint32_t kMaxLogLines = 65536;

// What a manifest says about the size of a channel.
struct ChannelLimits {
    std::uint64_t payload = std::uint64_t{16} << 20;          // bytes; largest request and largest reply
    std::uint32_t in_flight = 256;                            // calls
    std::uint64_t in_flight_bytes = std::uint64_t{64} << 20;  // bytes of large payloads, each way
    std::uint32_t log_lines = 256;
    std::uint64_t state = std::uint64_t{1} << 20;  // bytes of a checkpoint
};

// Computes the geometry. Each slab holds at least two of the largest payloads, so that one in use leaves room for
// the next. Empty when a limit is zero or beyond kMaxPayload, kMaxCallSlots, kMaxInFlightBytes, kMaxLogLines
// or kMaxState.
std::optional<Geometry> plan_geometry(const ChannelLimits& limits);

// Where in the worker outbox the checkpoint with this sequence lies.
std::uint64_t checkpoint_area(const Geometry& geometry, std::uint64_t sequence) noexcept;
// Where in the host outbox a committed state lies; `area` is 0 or 1.
std::uint64_t committed_state_area(const Geometry& geometry, std::uint32_t area) noexcept;

}  // namespace bulkhead::transport
