#include "spin_permits.hpp"

#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <bulkhead/transport/waiting.hpp>
#include <thread>
#include <vector>

#include "support/random.hpp"

namespace bulkhead::detail {
namespace {

using Permits = std::array<std::atomic<std::uint32_t>, 64>;

std::ptrdiff_t granted(const Permits& permits) {
    return std::count_if(permits.begin(), permits.end(), [](const auto& permit) { return permit.load() != 0; });
}

// How many may spin on this machine.
std::ptrdiff_t most(const SpinPermits& spin) {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    return spin.budget().count() > 0 ? std::max<std::ptrdiff_t>(cores - 1, 1) : 0;
}

TEST_CASE("spinning lasts no longer than a wake-up costs here") {
    CHECK(SpinPermits().budget() == transport::wake_up_cost());
}

TEST_CASE("a manifest chooses how long is spun: as a wake-up costs, longer, or not at all") {
    const SpinPermits spin;
    CHECK(spin.budget_for(Latency::adaptive) == spin.budget());
    CHECK(spin.budget_for(Latency::park).count() == 0);
    CHECK((spin.budget_for(Latency::spin) > spin.budget()) == (most(spin) > 0));
}

TEST_CASE("with one core neither callers nor workers may spin, whatever the manifest says") {
    cpu_set_t before;
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    SpinPermits spin;
    for (const Latency latency : {Latency::adaptive, Latency::spin, Latency::park}) {
        CHECK(spin.budget_for(latency).count() == 0);
    }
    std::atomic<std::uint32_t> permit{0};
    spin.claim(permit);
    CHECK(permit == 0);
    REQUIRE(::sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("one core stays free of spinning workers, and those that were woken last spin") {
    SpinPermits spin;
    Permits permits{};
    for (std::size_t index = 0; index < permits.size(); ++index) {
        spin.claim(permits[index]);
        CHECK(granted(permits) == std::min<std::ptrdiff_t>(most(spin), static_cast<std::ptrdiff_t>(index) + 1));
        CHECK((most(spin) == 0 || permits[index] == 1));
    }
}

TEST_CASE("a worker that has a permit keeps its place when it claims again") {
    SpinPermits spin;
    Permits permits{};
    for (int round = 0; round < 3; ++round) {
        spin.claim(permits[0]);
    }
    CHECK(granted(permits) == std::min<std::ptrdiff_t>(most(spin), 1));
}

TEST_CASE("a permit that was given back makes room for another") {
    SpinPermits spin;
    Permits permits{};
    for (std::atomic<std::uint32_t>& permit : permits) {
        spin.claim(permit);
    }
    for (std::atomic<std::uint32_t>& permit : permits) {
        spin.give_back(permit);
        CHECK(permit == 0);
        spin.give_back(permit);  // twice is fine
    }
    CHECK(granted(permits) == 0);
    spin.claim(permits[5]);
    CHECK(granted(permits) == std::min<std::ptrdiff_t>(most(spin), 1));
}

TEST_CASE("many threads never have more permits out than there may be") {
    const std::uint64_t seed = transport::testing::choose_seed();
    CAPTURE(seed);
    SpinPermits spin;
    Permits permits{};
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            transport::testing::Random random(seed + thread);
            for (int operation = 0; operation < 20'000; ++operation) {
                std::atomic<std::uint32_t>& permit = permits[random.below(permits.size())];
                if (random.chance(70)) {
                    spin.claim(permit);
                } else {
                    spin.give_back(permit);
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(granted(permits) <= most(spin));
}

}  // namespace
}  // namespace bulkhead::detail
