// How long a lane waits for what, and for which call.
#pragma once

#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <chrono>
#include <cstdint>
#include <string>

namespace bulkhead::detail {

inline constexpr std::chrono::milliseconds kSettling{2};           // after a start: what can wait until then does
inline constexpr std::chrono::milliseconds kStatusPatience{1000};  // for the exit status of a worker that is gone
inline constexpr std::chrono::milliseconds kLateStatus{300};       // of that: whoever has it may have been stopped
inline constexpr std::chrono::milliseconds kCrashPatience{2000};   // for the end of one whose crash handler runs
inline constexpr std::chrono::milliseconds kShortageRetry{50};     // out of descriptors or memory: try again
inline constexpr std::chrono::seconds kMemoryPeriod{1};            // between two looks at the memory of one in use
inline constexpr std::chrono::seconds kDispatcherLook{1};          // at that of one whose calls nobody waits for

// From now until then, for a sentence.
inline std::string rest_of(transport::SteadyTime due) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
    return std::to_string(std::max<std::int64_t>(rest.count(), 0)) + " ms";
}

// The call whose time is over first, and when.
struct DueCall {
    transport::SteadyTime at = transport::kNoDeadline;
    std::uint64_t id = 0;

    void note(transport::SteadyTime when, std::uint64_t call) noexcept {
        if (when < at) {
            at = when;
            id = call;
        }
    }
};

}  // namespace bulkhead::detail
