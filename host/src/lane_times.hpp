// How long a lane waits for what.
#pragma once

#include <chrono>

namespace bulkhead::detail {

inline constexpr std::chrono::milliseconds kSettling{2};           // after a start: what can wait until then does
inline constexpr std::chrono::milliseconds kStatusPatience{1000};  // for the exit status of a worker that is gone
inline constexpr std::chrono::milliseconds kCrashPatience{1000};   // for the end of one whose crash handler runs
inline constexpr std::chrono::milliseconds kShortageRetry{50};     // out of descriptors or memory: try again
inline constexpr std::chrono::seconds kMemoryPeriod{1};            // between two looks at the memory of one in use

}  // namespace bulkhead::detail
