#include "call_clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST_CASE("the clock of calls agrees with steady_clock, before and after it has learnt the counter's speed") {
    CallClock clock;
    std::uint64_t looks = 0;
    std::uint64_t far_off = 0;
    const auto end = Clock::now() + 200ms;
    for (auto before = Clock::now(); before < end; before = Clock::now()) {
        const auto ours = clock.now();
        const auto after = Clock::now();
        ++looks;
        far_off += ours < before - 5us || ours > after + 5us ? 1 : 0;
    }
    CAPTURE(looks);
    CHECK(far_off == 0);
}

TEST_CASE("a clock that nobody asked for a while does not count from where it was") {
    CallClock clock;
    for (const auto end = Clock::now() + 50ms; Clock::now() < end;) {
        clock.now();
    }
    for (int pause = 0; pause < 20; ++pause) {
        for (const auto end = Clock::now() + 3ms; Clock::now() < end;) {
        }
        const auto before = Clock::now();
        CHECK(clock.now() >= before - 5us);
    }
}

}  // namespace
}  // namespace bulkhead::detail
