#include <doctest/doctest.h>
#include <sched.h>

#include "bulkhead/transport/waiting.hpp"
#include "support/child.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

cpu_set_t usable_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    REQUIRE(::sched_getaffinity(0, sizeof cores, &cores) == 0);
    return cores;
}

bool use_one_core_of(const cpu_set_t& cores) {
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &cores)) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(core, &one);
            return ::sched_setaffinity(0, sizeof one, &one) == 0;
        }
    }
    return false;
}

TEST_CASE("what a wake-up costs is within bounds and measured once") {
    const cpu_set_t cores = usable_cores();
    const auto cost = wake_up_cost();
    if (CPU_COUNT(&cores) < 2) {
        CHECK(cost == 0ns);
        return;
    }
    CHECK(cost >= 5us);
    CHECK(cost <= 100us);
    CHECK(wake_up_cost() == cost);
}

TEST_CASE("on one core a wake-up counts as free so that nobody spins") {
    const cpu_set_t cores = usable_cores();
    testing::Child child([&] {
        if (!use_one_core_of(cores)) {
            return "it could not be bound to one core";
        }
        return wake_up_cost() == 0ns ? "" : "spinning would be worth it";
    });
    CHECK(child.outcome() == "");
}

TEST_CASE("a spinner is done as soon as it sees so") {
    int looks = 0;
    CHECK(spin_until([&] { return ++looks == 100; }, 1h));
    CHECK(looks == 100);
}

TEST_CASE("without a budget a spinner looks once") {
    for (const auto budget : {0ns, -1ns}) {
        int looks = 0;
        CHECK_FALSE(spin_until([&] { return ++looks == 2; }, budget));
        CHECK(looks == 1);
    }
}

TEST_CASE("a spinner stops when its budget is used up") {
    const SteadyTime start = Clock::now();
    CHECK_FALSE(spin_until([] { return false; }, 50us));
    CHECK(Clock::now() - start < testing::kPatience);
}

TEST_CASE("a spinner that was kept from its core gives up at once") {
    const SteadyTime start = Clock::now();
    int looks = 0;
    const auto look_slowly = [&] {
        ++looks;
        const SteadyTime end = Clock::now() + 30us;
        while (Clock::now() < end) {
        }
        return false;
    };
    CHECK_FALSE(spin_until(look_slowly, 1h));
    CHECK(looks < 256 + 200);  // the first looks are without a clock
    CHECK(Clock::now() - start < testing::kPatience);
}

}  // namespace
}  // namespace bulkhead::transport
