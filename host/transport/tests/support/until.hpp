// Waiting in tests: for the event, with a deadline.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <string>

#include "bulkhead/transport/waiting.hpp"

namespace bulkhead::transport::testing {

inline constexpr std::chrono::seconds kPatience{20};

// Looks until `done()`. Leaves the core to others between looks, because the peer may need this very core. False
// when the patience is at its end.
template <typename Done>
bool look_until(Done&& done, std::chrono::nanoseconds patience = kPatience) {
    constexpr int kLooksPerYield = 100;
    const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
    do {
        for (int look = 0; look < kLooksPerYield; ++look) {
            if (done()) {
                return true;
            }
            spin_pause();
        }
        ::sched_yield();
    } while (std::chrono::steady_clock::now() < deadline);
    return done();
}

// The thread sleeps in the kernel. Makes a test of a wake-up a real one; what it proves does not depend on it.
inline bool is_asleep(pid_t process, pid_t thread) {
    std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const auto name_end = stat.rfind(") ");
    return name_end != std::string::npos && stat.compare(name_end + 2, 1, "S") == 0;
}

}  // namespace bulkhead::transport::testing
