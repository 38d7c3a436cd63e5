// A plugin that only crashes is given up, and the others are not concerned.
#include <doctest/doctest.h>
#include <signal.h>

#include <boost/asio/use_future.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <string>

#include "support/outcomes.hpp"
#include "support/refusals.hpp"
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
    CHECK(service.plugin().stats().restarts == 6);
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

}  // namespace
}  // namespace bulkhead::tests
