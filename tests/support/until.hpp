// Waiting in tests: for the event, with a deadline.
#pragma once

#include <poll.h>

#include <chrono>
#include <utility>

namespace bulkhead::tests {

// Generous, because sanitizers on two busy cores are slow. Only a failing test waits for so long.
inline constexpr std::chrono::seconds kPatience{30};

// Looks until `happened()`. What it waits for is another process's doing and rings no bell here, so it dozes between
// looks; how long that takes proves nothing. False when the patience is at its end.
template <typename Happened>
bool eventually(Happened&& happened, std::chrono::nanoseconds patience = kPatience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!happened()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            return happened();
        }
        ::poll(nullptr, 0, 1);
    }
    return true;
}

}  // namespace bulkhead::tests
