// How one call is to be made.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>

namespace bulkhead {

using TraceId = std::array<std::uint8_t, 16>;

enum class WhenFull : std::uint8_t {
    fail,  // `overloaded` at once
    wait,  // wait for room until the deadline, then `overloaded`
};

enum class WhenUnavailable : std::uint8_t {
    fail,  // in backoff and fatal: `unavailable` at once, with the time of the next try
    wait,  // for the next worker, until the deadline
};

struct CallOptions {
    // Ask for this to wait for ever.
    static constexpr std::chrono::nanoseconds kNoTimeout = std::chrono::nanoseconds::max();

    // From now to the deadline. Empty: the manifest's supervision.call_ms.
    std::optional<std::chrono::nanoseconds> timeout;
    WhenFull when_full = WhenFull::fail;
    WhenUnavailable when_unavailable = WhenUnavailable::fail;
    // Ends a call early, as `cancelled`; one whose stop was requested before it is made never begins. For async_call
    // use the token's cancellation slot.
    std::stop_token stop;
    // Handed to the plugin.
    std::optional<TraceId> trace;
};

}  // namespace bulkhead
