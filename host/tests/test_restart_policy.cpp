#include "restart_policy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "support/random.hpp"

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using Next = RestartDecision::Next;
using transport::SteadyTime;
using transport::testing::Random;

constexpr std::uint64_t kMiddle = std::uint64_t{1} << 63;  // no jitter
constexpr bool kServed = true;
constexpr bool kIdle = false;

// Nothing but the rule under test decides.
RestartSettings unlimited() {
    RestartSettings settings;
    settings.burst = settings.sustained = {1'000'000, 24h};
    settings.start_attempts = 1'000'000;
    settings.backoff = {100ms, 1s};
    return settings;
}

SteadyTime start() { return SteadyTime(1h); }

TEST_CASE("a worker that had served is restarted at once, however often") {
    RestartPolicy policy(unlimited());
    SteadyTime now = start();
    for (int death = 0; death < 100; ++death) {
        CHECK(policy.after(WorkerEnd::crash, kServed, now, kMiddle).next == Next::at_once);
        now += 1ms;
    }
}

TEST_CASE("ends that a fork server's death brought about wait after the third in a row, and service ends the row") {
    RestartPolicy policy(unlimited());
    SteadyTime now = start();
    for (int round = 0; round < 3; ++round) {
        for (int end = 0; end < 3; ++end) {
            CHECK(policy.after(WorkerEnd::blameless, kIdle, now, kMiddle).next == Next::at_once);
        }
        for (const auto wait : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
            const RestartDecision decision = policy.after(WorkerEnd::blameless, kIdle, now, kMiddle);
            CHECK(decision.next == Next::later);
            CHECK(decision.at - now == wait);
        }
        if (round == 0) {
            CHECK(policy.after(WorkerEnd::blameless, kServed, now, kMiddle).next == Next::at_once);
            CHECK(policy.after(WorkerEnd::crash, kServed, now, kMiddle).next == Next::at_once);
        } else {
            now += 61s;  // or nothing of the kind for a minute
        }
    }
}

TEST_CASE("a plugin whose fork server dies whenever it is started is given up after ten times and ten seconds") {
    RestartPolicy policy(unlimited());
    const SteadyTime begin = start();
    for (int end = 0; end < 100; ++end) {
        CHECK(policy.after(WorkerEnd::blameless, kIdle, begin + 10s, kMiddle).next != Next::give_up);
    }
    RestartPolicy rarely(unlimited());
    for (int end = 0; end < 10; ++end) {
        CHECK(rarely.after(WorkerEnd::blameless, kIdle, begin + end * 50s, kMiddle).next != Next::give_up);
    }
    const RestartDecision decision = rarely.after(WorkerEnd::blameless, kIdle, begin + 500s, kMiddle);
    CHECK(decision.next == Next::give_up);
    CHECK(decision.why == "its process or the fork server was killed 11 times in a row while it was being started");
}

TEST_CASE("deaths in a row without service wait twice as long each time, up to the cap, and service ends the row") {
    RestartPolicy policy(unlimited());
    const SteadyTime now = start();
    const auto waits = [&](WorkerEnd end) {
        const RestartDecision decision = policy.after(end, kIdle, now, kMiddle);
        REQUIRE(decision.next == Next::later);
        return decision.at - now;
    };
    CHECK(policy.after(WorkerEnd::crash, kIdle, now, kMiddle).next == Next::at_once);
    CHECK(waits(WorkerEnd::crash) == 100ms);
    CHECK(waits(WorkerEnd::failed_start) == 200ms);
    CHECK(waits(WorkerEnd::exit) == 400ms);
    CHECK(waits(WorkerEnd::crash) == 800ms);
    for (int death = 0; death < 2000; ++death) {
        CHECK(waits(WorkerEnd::failed_start) == 1s);
    }
    CHECK(policy.after(WorkerEnd::crash, kServed, now, kMiddle).next == Next::at_once);
    CHECK(policy.after(WorkerEnd::crash, kIdle, now, kMiddle).next == Next::at_once);
    CHECK(waits(WorkerEnd::crash) == 100ms);
}

TEST_CASE("without a first wait there is none") {
    RestartSettings settings = unlimited();
    settings.backoff.first = 0ms;
    RestartPolicy policy(settings);
    for (const WorkerEnd end : {WorkerEnd::crash, WorkerEnd::failed_start, WorkerEnd::crash, WorkerEnd::crash}) {
        CHECK(policy.after(end, kIdle, start(), kMiddle).next == Next::at_once);
    }
}

TEST_CASE("the wait is spread over a quarter more and less") {
    Random random(4);
    std::chrono::nanoseconds least = 1h;
    std::chrono::nanoseconds most = 0h;
    for (int round = 0; round < 1000; ++round) {
        RestartPolicy policy(unlimited());
        const RestartDecision decision =
            policy.after(WorkerEnd::failed_start, kIdle, start(), random.below(UINT64_MAX));
        least = std::min<std::chrono::nanoseconds>(least, decision.at - start());
        most = std::max<std::chrono::nanoseconds>(most, decision.at - start());
    }
    CHECK(least >= 75ms);
    CHECK(least < 77ms);
    CHECK(most > 123ms);
    CHECK(most <= 125ms);
}

TEST_CASE("more restarts than the burst allows are given up, slower ones are not") {
    RestartSettings settings = unlimited();
    settings.burst = {3, 10s};
    RestartPolicy policy(settings);
    SteadyTime now = start();
    for (int death = 0; death < 50; ++death) {
        CHECK(policy.after(WorkerEnd::crash, kServed, now, kMiddle).next == Next::at_once);
        now += 4s;
    }
    now += 10s;
    for (int death = 0; death < 3; ++death) {
        CHECK(policy.after(WorkerEnd::crash, kServed, now, kMiddle).next == Next::at_once);
    }
    const RestartDecision last = policy.after(WorkerEnd::crash, kServed, now, kMiddle);
    CHECK(last.next == Next::give_up);
    CHECK(last.why == "its worker died too often (3 restarts within 10000 ms are allowed)");
}

TEST_CASE("the sustained limit finds what the burst lets through") {
    RestartSettings settings = unlimited();
    settings.burst = {3, 10s};
    settings.sustained = {20, 10min};
    RestartPolicy policy(settings);
    SteadyTime now = start();
    for (int death = 0; death < 20; ++death) {
        CHECK(policy.after(WorkerEnd::crash, kServed, now, kMiddle).next == Next::at_once);
        now += 5s;
    }
    const RestartDecision last = policy.after(WorkerEnd::crash, kServed, now, kMiddle);
    CHECK(last.next == Next::give_up);
    CHECK(last.why == "its worker died too often (20 restarts within 600000 ms are allowed)");
    CHECK(policy.after(WorkerEnd::crash, kServed, start() + 11min, kMiddle).next == Next::at_once);
}

TEST_CASE("no restart allowed means none") {
    RestartSettings settings = unlimited();
    settings.burst.restarts = 0;
    RestartPolicy policy(settings);
    CHECK(policy.after(WorkerEnd::crash, kServed, start(), kMiddle).next == Next::give_up);
}

TEST_CASE("more failed starts in a row than allowed are given up, and one that was ready ends the row") {
    RestartSettings settings = unlimited();
    settings.burst.restarts = 100;
    settings.start_attempts = 2;
    RestartPolicy policy(settings);
    const SteadyTime now = start();
    for (int round = 0; round < 3; ++round) {
        CHECK(policy.after(WorkerEnd::failed_start, kIdle, now, kMiddle).next == Next::later);
        CHECK(policy.after(WorkerEnd::failed_start, kIdle, now, kMiddle).next == Next::later);
        CHECK(policy.after(WorkerEnd::crash, kIdle, now, kMiddle).next == Next::later);
    }
    policy.after(WorkerEnd::failed_start, kIdle, now, kMiddle);
    policy.after(WorkerEnd::failed_start, kIdle, now, kMiddle);
    const RestartDecision last = policy.after(WorkerEnd::failed_start, kIdle, now, kMiddle);
    CHECK(last.next == Next::give_up);
    CHECK(last.why == "it failed to start 3 times in a row (2 are allowed)");
}

TEST_CASE("failed starts are not in a row when a worker served between them, even one that has not ended") {
    RestartSettings settings = unlimited();
    settings.start_attempts = 1;
    RestartPolicy policy(settings);
    for (int round = 0; round < 3; ++round) {
        CHECK(policy.after(WorkerEnd::failed_start, kIdle, start(), kMiddle).next == Next::later);
        policy.started();
    }
    policy.after(WorkerEnd::failed_start, kIdle, start(), kMiddle);
    CHECK(policy.after(WorkerEnd::failed_start, kIdle, start(), kMiddle).next == Next::give_up);
}

TEST_CASE("failed starts are no restarts of the burst") {
    RestartSettings settings = unlimited();
    settings.burst = {1, 10s};
    RestartPolicy policy(settings);
    for (int round = 0; round < 10; ++round) {
        CHECK(policy.after(WorkerEnd::failed_start, kIdle, start(), kMiddle).next == Next::later);
    }
    CHECK(policy.after(WorkerEnd::crash, kServed, start(), kMiddle).next == Next::at_once);
}

TEST_CASE("blameless ends of workers that had come far count nowhere and are restarted at once, whatever the rule") {
    for (const RestartRule rule : {RestartRule::permanent, RestartRule::transient, RestartRule::temporary}) {
        RestartSettings settings = unlimited();
        settings.rule = rule;
        settings.burst.restarts = 1;
        RestartPolicy policy(settings);
        for (int death = 0; death < 100; ++death) {
            CHECK(policy.after(WorkerEnd::blameless, kServed, start(), kMiddle).next == Next::at_once);
        }
        if (rule != RestartRule::temporary) {
            CHECK(policy.after(WorkerEnd::crash, kIdle, start(), kMiddle).next == Next::at_once);
        }
    }
}

TEST_CASE("the rule says which ends a plugin comes back from") {
    const auto next = [](RestartRule rule, WorkerEnd end) {
        RestartSettings settings = unlimited();
        settings.rule = rule;
        return RestartPolicy(settings).after(end, kServed, start(), kMiddle).next;
    };
    CHECK(next(RestartRule::permanent, WorkerEnd::crash) == Next::at_once);
    CHECK(next(RestartRule::permanent, WorkerEnd::exit) == Next::at_once);
    CHECK(next(RestartRule::permanent, WorkerEnd::failed_start) == Next::later);
    CHECK(next(RestartRule::transient, WorkerEnd::crash) == Next::at_once);
    CHECK(next(RestartRule::transient, WorkerEnd::exit) == Next::stay_down);
    CHECK(next(RestartRule::transient, WorkerEnd::failed_start) == Next::later);
    CHECK(next(RestartRule::temporary, WorkerEnd::crash) == Next::stay_down);
    CHECK(next(RestartRule::temporary, WorkerEnd::exit) == Next::stay_down);
    CHECK(next(RestartRule::temporary, WorkerEnd::failed_start) == Next::stay_down);
}

TEST_CASE("a reset forgets everything") {
    RestartSettings settings = unlimited();
    settings.burst = {1, 10s};
    settings.start_attempts = 1;
    RestartPolicy policy(settings);
    for (int round = 0; round < 3; ++round) {
        CHECK(policy.after(WorkerEnd::failed_start, kIdle, start(), kMiddle).at - start() == 100ms);
        CHECK(policy.after(WorkerEnd::failed_start, kIdle, start(), kMiddle).next == Next::give_up);
        CHECK(policy.after(WorkerEnd::crash, kServed, start(), kMiddle).next == Next::at_once);
        CHECK(policy.after(WorkerEnd::crash, kServed, start(), kMiddle).next == Next::give_up);
        policy.reset();
    }
}

}  // namespace
}  // namespace bulkhead::detail
