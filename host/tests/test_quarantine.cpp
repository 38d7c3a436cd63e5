#include "quarantine.hpp"

#include <doctest/doctest.h>

#include <map>
#include <tuple>

#include "support/random.hpp"

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using transport::SteadyTime;
using transport::testing::Random;

constexpr RequestKey kKiller{0x1234, 10, 3};

SteadyTime start() { return SteadyTime(1h); }

TEST_CASE("a request that was running in two deaths is quarantined for ten minutes") {
    Quarantine quarantine(QuarantineSettings{});
    CHECK_FALSE(quarantine.refuses_any());
    CHECK(quarantine.charge(kKiller, start()) == 1);
    CHECK_FALSE(quarantine.refuses_any());
    CHECK_FALSE(quarantine.is_quarantined(kKiller, start()));
    CHECK(quarantine.charge(kKiller, start() + 1min) == 2);
    CHECK(quarantine.refuses_any());
    CHECK(quarantine.is_quarantined(kKiller, start() + 1min));
    CHECK(quarantine.is_quarantined(kKiller, start() + 11min - 1ns));
    CHECK_FALSE(quarantine.is_quarantined(kKiller, start() + 11min));
    CHECK_FALSE(quarantine.refuses_any());
    CHECK(quarantine.charge(kKiller, start() + 12min) == 1);
}

TEST_CASE("only the same method, length and hash is the same request") {
    Quarantine quarantine({1, 1min});
    CHECK(quarantine.charge(kKiller, start()) == 1);
    CHECK(quarantine.is_quarantined(kKiller, start()));
    CHECK_FALSE(quarantine.is_quarantined({0x1235, 10, 3}, start()));
    CHECK_FALSE(quarantine.is_quarantined({0x1234, 11, 3}, start()));
    CHECK_FALSE(quarantine.is_quarantined({0x1234, 10, 4}, start()));
}

TEST_CASE("a death long ago does not count") {
    Quarantine quarantine({2, 1min});
    CHECK(quarantine.charge(kKiller, start()) == 1);
    CHECK(quarantine.charge(kKiller, start() + 1min) == 1);
    CHECK(quarantine.charge(kKiller, start() + 2min - 1ns) == 2);
}

TEST_CASE("one that kills again stays for longer") {
    Quarantine quarantine({1, 1min});
    quarantine.charge(kKiller, start());
    CHECK(quarantine.charge(kKiller, start() + 30s) == 2);
    CHECK(quarantine.is_quarantined(kKiller, start() + 89s));
    CHECK_FALSE(quarantine.is_quarantined(kKiller, start() + 90s));
}

TEST_CASE("one that is over is let through while another one stays") {
    Quarantine quarantine({1, 1min});
    constexpr RequestKey kOther{7, 7, 7};
    quarantine.charge(kKiller, start());
    quarantine.charge(kOther, start() + 30s);
    CHECK_FALSE(quarantine.is_quarantined(kKiller, start() + 60s));
    CHECK(quarantine.is_quarantined(kOther, start() + 60s));
}

TEST_CASE("zero deaths means no quarantine") {
    Quarantine quarantine({0, 1min});
    for (std::uint32_t death = 1; death < 10; ++death) {
        CHECK(quarantine.charge(kKiller, start()) == death);
        CHECK_FALSE(quarantine.is_quarantined(kKiller, start()));
    }
}

TEST_CASE("cleared, it refuses nothing and remembers nothing") {
    Quarantine quarantine({2, 1min});
    quarantine.charge(kKiller, start());
    quarantine.charge(kKiller, start());
    quarantine.clear();
    CHECK_FALSE(quarantine.refuses_any());
    CHECK_FALSE(quarantine.is_quarantined(kKiller, start()));
    CHECK(quarantine.charge(kKiller, start()) == 1);
}

TEST_CASE("only so many are remembered, and the oldest go") {
    Quarantine quarantine({1, 1min});
    const auto key = [](std::uint64_t number) { return RequestKey{number, number % 5, 1}; };
    for (std::uint64_t number = 0; number < Quarantine::kMost; ++number) {
        quarantine.charge(key(number), start());
    }
    quarantine.charge(key(0), start());  // as new as any now
    for (std::uint64_t number = 0; number < 100; ++number) {
        quarantine.charge(key(10'000 + number), start());
    }
    CHECK(quarantine.is_quarantined(key(0), start()));
    for (std::uint64_t number = 1; number <= 100; ++number) {
        CHECK_FALSE(quarantine.is_quarantined(key(number), start()));
    }
    for (std::uint64_t number = 101; number < Quarantine::kMost; ++number) {
        CHECK(quarantine.is_quarantined(key(number), start()));
    }
}

TEST_CASE("it agrees with a simple model") {
    struct Expected {
        std::uint32_t deaths = 0;
        SteadyTime until;
    };
    Random random(11);
    Quarantine quarantine({3, 100ms});
    std::map<std::uint64_t, Expected> model;
    SteadyTime now = start();
    for (int step = 0; step < 20'000; ++step) {
        now += std::chrono::milliseconds(random.below(8));
        const std::uint64_t number = random.below(12);
        const RequestKey key{number, 5, 1};
        Expected& expected = model[number];
        if (now >= expected.until) {
            expected.deaths = 0;
        }
        if (random.below(2) == 0) {
            expected.until = now + 100ms;
            CHECK(quarantine.charge(key, now) == ++expected.deaths);
        } else {
            CHECK(quarantine.is_quarantined(key, now) == (expected.deaths >= 3));
        }
    }
}

}  // namespace
}  // namespace bulkhead::detail
