// A plugin that only crashes is given up, and the others are not concerned.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/refusals.hpp"
#include "support/scale.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("after five restarts in ten seconds a plugin that crashes again is unavailable, and says why") {
    Service service("faulty", {{"supervision", {{"backoff_ms", 0}, {"quarantine_deaths", 0}}}});
    PluginFolder neighbour_folder("greeter");
    const Plugin neighbour = load(service.host(), neighbour_folder);
    for (int crash = 0; crash < 6; ++crash) {
        CAPTURE(crash);
        CHECK(summary(service.plugin().call("segfault", "")) == "crashed/unknown");
    }
    const auto outcome = service.plugin().call("echo", "x");
    CHECK(summary(outcome) == "unavailable/none");
    check_sentence(sentence(outcome), {"plugin faulty is not available for call 'echo'", "died too often", "5 restarts",
                                       "10000 ms", "SIGSEGV", "'segfault'"});
    REQUIRE(outcome.has_error());
    REQUIRE(outcome.error().report);
    CHECK(outcome.error().report->signal == SIGSEGV);
    CHECK(outcome.error().report->restarts == 5);
    const Stats stats = service.plugin().stats();
    CHECK(stats.deaths == 6);
    CHECK(stats.restarts == 5);
    CHECK(unaccounted(stats) == "");
    Collector<std::string> outcomes;
    service.plugin().async_call("echo", "x", {},
                                [outcomes](const result<Bytes>& late) { outcomes.add(sentence(late)); });
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == sentence(outcome));
    CHECK(summary(neighbour.call("greet", "you")) == "ok: Hello, you!");
}

TEST_CASE("calls that wait behind the last crash are told that the plugin is unavailable") {
    Service service("faulty", {{"supervision", {{"restarts", 0}}}});
    Collector<std::string> outcomes;
    for (const char* method : {"segfault", "echo", "echo"}) {
        service.plugin().async_call(method, "x", {}, [outcomes](const result<Bytes>& outcome) {
            outcomes.add(outcome ? "ok" : std::string(to_string(outcome.error().code)) + ": " + sentence(outcome));
        });
    }
    REQUIRE(outcomes.await_count(3));
    int unavailable = 0;
    for (const std::string& outcome : outcomes.all()) {
        if (outcome.starts_with("unavailable")) {
            ++unavailable;
            CHECK(contains(outcome, "SIGSEGV"));
        } else {
            CHECK((outcome.starts_with("crashed") || outcome == "ok"));
        }
    }
    CHECK(unavailable >= 1);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("restarts that are far enough apart are no crash loop") {
    Service service(
        "faulty", {{"supervision", {{"restarts", 2}, {"within_ms", 50}, {"backoff_ms", 0}, {"quarantine_deaths", 0}}}});
    for (int crash = 0; crash < 6; ++crash) {
        const auto begin = std::chrono::steady_clock::now();
        CHECK(summary(service.plugin().call("segfault", "")) == "crashed/unknown");
        CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
        CHECK(eventually([&] { return std::chrono::steady_clock::now() - begin > 60ms; }));
    }
    CHECK(eventually([&] { return service.plugin().stats().restarts == 6; }));
}

TEST_CASE("a plugin that was given up can be unloaded and loaded again") {
    Service service("faulty", {{"supervision", {{"restarts", 0}}}});
    CHECK(summary(service.plugin().call("abort", "")) == "crashed/unknown");
    CHECK(summary(service.plugin().call("echo", "x")) == "unavailable/none");
    CHECK(service.host().unload("faulty").has_value());
    CHECK(summary(service.plugin().call("echo", "x")) == "stopped/none");
    const Plugin again = load(service.host(), service.folder());
    CHECK(summary(again.call("echo", "x")) == "ok: x");
}

TEST_CASE("every kind of death is reported as what it was, and answered with a restart") {
    struct Death {
        const char* method;
        const char* request;
        Cause cause;
        int signal;
        int exit_code;
    };
    constexpr Death kDeaths[] = {
        {"segfault", "", Cause::crash, SIGSEGV, 0},
        {"null_call", "", Cause::crash, SIGSEGV, 0},
        {"abort", "", Cause::abort, SIGABRT, 0},
        {"throw_through", "", Cause::abort, SIGABRT, 0},
        {"exit", "3", Cause::exit, 0, 3},
        {"exit", "0", Cause::exit, 0, 0},
        {"_exit", "4", Cause::exit, 0, 4},
        {"raise", "9", Cause::killed, SIGKILL, 0},
        {"raise", "15", Cause::killed, SIGTERM, 0},
        {"raise", "8", Cause::crash, SIGFPE, 0},
        {"overflow_stack", "", Cause::crash, SIGSEGV, 0},
        {"corrupt_heap", "", Cause::abort, SIGABRT, 0},
    };
    Service service;
    for (const Death& death : kDeaths) {
        CAPTURE(death.method);
        CAPTURE(death.request);
        const auto outcome = service.plugin().call(death.method, death.request);
        CHECK(summary(outcome) == "crashed/unknown");
        REQUIRE(outcome.has_error());
        REQUIRE(outcome.error().report);
        const Report& report = *outcome.error().report;
        CHECK(report.cause == death.cause);
        CHECK(report.signal == death.signal);
        CHECK(report.exit_code == death.exit_code);
        CHECK(report.plugin == "faulty");
        CHECK(report.version == "1.0.0");
        CHECK(report.running_method == death.method);
        CHECK(report.running_payload == std::string(death.request).size());
        CHECK(report.peak_resident_bytes > 0);
        check_sentence(sentence(outcome),
                       {"plugin faulty: call '" + std::string(death.method) + "' was lost: its worker",
                        "while running '" + std::string(death.method) + "'"});
        CHECK(contains(report.text(), "plugin faulty 1.0.0"));
        CHECK(summary(service.plugin().call("echo", "back")) == "ok: back");
    }
    REQUIRE(service.deaths().await_count(std::size(kDeaths)));
    CHECK(service.plugin().stats().deaths == std::size(kDeaths));
}

TEST_CASE("a call that was to be tried again is told when no worker comes any more, also without a deadline") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    // Transient, so that the next worker is started when the death of the one before is settled.
    Service service("keeper",
                    merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}},
                                              {"supervision", {{"policy", "transient"}, {"start_attempts", 1}}}}));
    REQUIRE(summary(service.plugin().call("get", "")) == "ok: 0");
    std::ofstream(trap).put('.');  // from now on create crashes
    CallOptions endless;
    endless.timeout = CallOptions::kNoTimeout;
    auto outcome = service.plugin().async_call("crash_idempotent", "", endless, boost::asio::use_future);
    REQUIRE(outcome.wait_for(kPatience) == std::future_status::ready);
    CHECK(summary(outcome.get()) == "unavailable/unknown");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("who would wait for room is told at once that the plugin is down, also behind those who wait for it") {
    Service service("keeper", {{"supervision", {{"restarts", 0}}}, {"limits", {{"in_flight", 1}}}});
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    REQUIRE(eventually([&] { return service.plugin().status().state == PluginState::fatal; }));
    CallOptions options;
    options.timeout = CallOptions::kNoTimeout;
    options.when_full = WhenFull::wait;
    CallOptions patient = options;
    patient.when_unavailable = WhenUnavailable::wait;
    auto first = service.plugin().async_call("get", "", patient, boost::asio::use_future);
    auto behind = service.plugin().async_call("get", "", patient, boost::asio::use_future);
    auto refused = service.plugin().async_call("get", "", options, boost::asio::use_future);
    REQUIRE(refused.wait_for(kPatience) == std::future_status::ready);
    CHECK(summary(refused.get()) == "unavailable/none");
    service.plugin().reset();
    CHECK(summary(first.get()) == "ok: 0");
    CHECK(summary(behind.get()) == "ok: 0");
}

TEST_CASE("calls that are refused while no worker serves do not keep room from those that wait for better times") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    Service service("keeper", merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}},
                                                        {"supervision", {{"start_attempts", 5}, {"backoff_ms", 10}}},
                                                        {"limits", {{"in_flight", 4}}}}));
    std::ofstream(trap).put('.');  // from now on create crashes
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    int refused = 0;
    while (service.plugin().status().state != PluginState::fatal) {
        const auto outcome = service.plugin().call("get", "");
        REQUIRE(outcome.has_error());
        REQUIRE(outcome.error().code == ErrorCode::unavailable);
        ++refused;
    }
    REQUIRE(refused > 4);
    REQUIRE(std::filesystem::remove(trap));
    CallOptions patient;
    patient.when_unavailable = WhenUnavailable::wait;
    std::vector<std::future<result<Bytes>>> waiting;
    for (int call = 0; call < 4; ++call) {
        waiting.push_back(service.plugin().async_call("get", "", patient, boost::asio::use_future));
    }
    service.plugin().reset();
    for (auto& outcome : waiting) {
        CHECK(summary(outcome.get()) == "ok: 0");
    }
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("patient calls that gave up do not keep room from others while a plugin stays down") {
    Service service("keeper", {{"supervision", {{"restarts", 0}}}, {"limits", {{"in_flight", 4}}}});
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    REQUIRE(eventually([&] { return service.plugin().status().state == PluginState::fatal; }));
    CallOptions patient;
    patient.when_unavailable = WhenUnavailable::wait;
    CallOptions hasty = patient;
    hasty.timeout = 1ms;
    auto first = service.plugin().async_call("add", "1", patient, boost::asio::use_future);
    for (int call = 0; call < 20; ++call) {
        CHECK(summary(service.plugin().call("add", "1", hasty)) == "timed_out/none");
    }
    auto last = service.plugin().async_call("add", "1", patient, boost::asio::use_future);
    service.plugin().reset();
    CHECK(summary(first.get()) == "ok: 1");
    CHECK(summary(last.get()) == "ok: 2");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a call that waits while others around it are refused is made once, by the worker that comes at last") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    Service service("keeper", merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}},
                                                        {"supervision", {{"start_attempts", 50}, {"backoff_ms", 1}}},
                                                        {"limits", {{"in_flight", 8}}}}));
    std::ofstream(trap).put('.');
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    CallOptions patient;
    patient.when_unavailable = WhenUnavailable::wait;
    patient.timeout = kPatience;
    std::vector<std::future<result<Bytes>>> waiting;
    for (int call = 0; call < 60; ++call) {
        if (call % 20 == 0) {
            waiting.push_back(service.plugin().async_call("add", "1", patient, boost::asio::use_future));
        }
        const std::string outcome = summary(service.plugin().call("add", "1"));
        CHECK(outcome == "unavailable/none");
    }
    REQUIRE(std::filesystem::remove(trap));
    for (auto& outcome : waiting) {
        CHECK(outcome.get().has_value());
    }
    CHECK(summary(service.plugin().call("get", "")) == "ok: 3");
}

TEST_CASE("whoever is told that a plugin is unavailable in backoff is told when it is tried again") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    const Service service(
        "keeper", merged(kEndlessRestarts,
                         {{"environment", {{"KEEPER_TRAP", trap}}},
                          {"supervision", {{"start_attempts", 1'000'000}, {"backoff_ms", 1}, {"backoff_max_ms", 2}}}}));
    std::ofstream(trap).put('.');
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    std::atomic<bool> stop{false};
    std::atomic<long> untold{0};
    std::vector<std::thread> threads;
    const auto is_soon = [](const auto& time) { return time && *time < std::chrono::steady_clock::now() + 1h; };
    threads.emplace_back([&] {
        while (!stop) {
            const auto outcome = service.plugin().call("get", "");
            const bool unavailable = outcome.has_error() && outcome.error().code == ErrorCode::unavailable;
            untold += unavailable && !is_soon(outcome.error().next_try) ? 1 : 0;
            std::this_thread::yield();
        }
    });
    threads.emplace_back([&] {
        while (!stop) {
            const PluginStatus status = service.plugin().status();
            untold += status.state == PluginState::backoff && !is_soon(status.next_try) ? 1 : 0;
            std::this_thread::yield();
        }
    });
    CHECK(service.deaths().await_count(static_cast<std::size_t>(scaled(100))));
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(untold == 0);
}

}  // namespace
}  // namespace bulkhead::tests
