// What a call on the spinning path does without: allocations, system calls, and locks that are shared between
// processes. Counted, not looked at; and with one core nobody spins.
#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "support/allocations.hpp"
#include "support/on_one_core.hpp"
#include "support/outcomes.hpp"
#include "support/service.hpp"
#include "support/system_calls.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

constexpr int kCalls = 2000;

bool has_two_cores() {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    return ::sched_getaffinity(0, sizeof usable, &usable) == 0 && CPU_COUNT(&usable) >= 2;
}

std::uint64_t number_in(const result<Bytes>& reply) {
    REQUIRE_MESSAGE(reply.has_value(), reply.error().message);
    return std::stoull(std::string(reply->text()));
}

TEST_CASE("a small call allocates nothing") {
    Service service;
    const Method echo = service.plugin().method("echo");
    const std::string request(64, 'x');
    REQUIRE(summary(echo.call(request)) == "ok: " + request);
    const std::uint64_t before = allocations_of_this_thread();
    bool all_well = true;
    for (int call = 0; call < kCalls; ++call) {
        all_well = echo.call(request).has_value() && all_well;
        all_well = service.plugin().call("echo", request).has_value() && all_well;
    }
    const std::uint64_t after = allocations_of_this_thread();
    CHECK(all_well);
    CHECK(after == before);
    // The counter counts.
    const std::string large(4096, 'x');
    CHECK(allocations_of_this_thread() > after);
    REQUIRE(echo.call(large).has_value());
}

TEST_CASE("a worker allocates nothing for a small call") {
    HostOptions options = host_options();
    options.worker = worker_with_death_points();
    Service service("accountant", kEndlessRestarts, std::move(options));
    const auto allocations = [&] { return number_in(service.plugin().call("allocations", "")); };
    const std::string request(64, 'x');
    REQUIRE(summary(service.plugin().call("echo", request)) == "ok: " + request);
    const std::uint64_t before = allocations();
    bool all_well = true;
    for (int call = 0; call < kCalls; ++call) {
        all_well = service.plugin().call("echo", request).has_value() && all_well;
    }
    CHECK(all_well);
    CHECK(allocations() == before);
    CHECK(before > 0);  // the counter counts: the worker needed memory to start
}

TEST_CASE("a call of which both sides spin makes no system call") {
    if (!has_two_cores()) {
        MESSAGE("left out: with one core nobody spins");
        return;
    }
    Service service("faulty", merged(kEndlessRestarts, {{"latency", "spin"}}));
    const Method echo = service.plugin().method("echo");
    const std::string request(64, 'x');
    REQUIRE(summary(echo.call(request)) == "ok: " + request);
    const auto call_often = [&] {
        for (int call = 0; call < kCalls; ++call) {
            if (!echo.call(request)) {
                return;
            }
        }
    };
    // Somebody else's work on the cores makes either side sleep now and then; nothing else may.
    std::optional<std::uint64_t> fewest;
    for (int attempt = 0; attempt < 20 && fewest != 0; ++attempt) {
        const std::optional<std::uint64_t> made = system_calls_during(service.worker(), call_often);
        if (!made) {
            MESSAGE("left out: the kernel does not let us count system calls");
            return;
        }
        fewest = std::min(fewest.value_or(*made), *made);
    }
    CHECK(*fewest < kCalls / 20);
    // The counter counts: who parks sleeps, or wakes the other, in each call.
    Service parking("faulty", merged(kEndlessRestarts, {{"latency", "park"}}));
    const auto park_often = [&] {
        for (int call = 0; call < kCalls; ++call) {
            if (!parking.plugin().call("echo", request)) {
                return;
            }
        }
    };
    CHECK(system_calls_during(parking.worker(), park_often).value_or(0) > kCalls);
}

TEST_CASE("with one core no caller spins, whatever the manifest says") {
    const OnOneCore one;
    for (const char* latency : {"adaptive", "spin", "park"}) {
        const std::string chosen = latency;
        CAPTURE(chosen);
        Service service("faulty", merged(kEndlessRestarts, {{"latency", latency}}));
        REQUIRE(summary(service.plugin().call("echo", "x")) == "ok: x");
        for (int call = 0; call < 200; ++call) {
            CHECK(service.plugin().call("echo", "x").has_value());
        }
        CHECK(service.plugin().stats().spins == 0);
    }
}

TEST_CASE("latency: park does not spin, the others do") {
    if (!has_two_cores()) {
        MESSAGE("left out: with one core nobody spins");
        return;
    }
    for (const auto& [latency, spins] :
         {std::pair("adaptive", true), std::pair("spin", true), std::pair("park", false)}) {
        const std::string chosen = latency;
        CAPTURE(chosen);
        Service service("faulty", merged(kEndlessRestarts, {{"latency", latency}}));
        for (int call = 0; call < 200; ++call) {
            CHECK(service.plugin().call("echo", "x").has_value());
        }
        CHECK((service.plugin().stats().spins > 0) == spins);
    }
}

}  // namespace
}  // namespace bulkhead::tests
