// Workers that die, hang or are cut off in the plugin's save, deactivate or destroy.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

Service keeper(const nlohmann::json& changes) { return Service("keeper", merged(kEndlessRestarts, changes)); }

std::string call(const Service& service, const char* method, std::string_view request) {
    return summary(service.plugin().call(method, request));
}

TEST_CASE("a worker that dies in its save function says so, and no call is blamed for it") {
    for (const auto& [fault, clause] : {std::pair("crash_in_save", "crashed with SIGSEGV (11) in its save function"),
                                        std::pair("exit_in_save", "exited with code 7 in its save function")}) {
        Service service = keeper({{"config", {{"fault", fault}}}, {"supervision", {{"quarantine_deaths", 2}}}});
        for (std::size_t turn = 1; turn <= 4; ++turn) {
            CHECK(call(service, "add", "1") == "crashed/unknown");  // in the end not quarantined
            REQUIRE(service.deaths().await_count(turn));
            const Report report = service.deaths().all().back();
            CHECK(report.clause() == clause);
            CHECK(report.running_method == "");
            REQUIRE_FALSE(report.recent_calls.empty());
            CHECK(report.recent_calls.front().method == "add");
            CHECK_FALSE(report.recent_calls.front().answered);
        }
    }
}

TEST_CASE("a worker that dies in its last save, while it is being stopped, is reported") {
    for (const char* fault : {"crash_in_save", "exit_in_save"}) {
        CAPTURE(fault);
        Service service = keeper({{"config", {{"fault", fault}}}, {"state", {{"every_calls", 0}}}});
        REQUIRE(call(service, "add", "1") == "ok: 1");
        REQUIRE(service.plugin().stop().has_value());
        REQUIRE(service.deaths().await_count(1));
        CHECK(service.deaths().all()[0].step == "in its save function");
        CHECK(service.deaths().all()[0].phase == Phase::stopping);
    }
    Service service = keeper(
        {{"config", {{"save_ms", 60'000}}}, {"state", {{"every_calls", 0}}}, {"supervision", {{"stop_ms", 50'000}}}});
    REQUIRE(call(service, "add", "1") == "ok: 1");
    const pid_t worker = service.worker();
    std::thread stopping([&service] { CHECK(service.plugin().stop().has_value()); });
    REQUIRE(eventually([&service] { return service.plugin().status().state == PluginState::stopping; }));
    REQUIRE(::kill(worker, SIGKILL) == 0);
    stopping.join();
    REQUIRE(service.deaths().await_count(1));
    CHECK(service.deaths().all()[0].cause == Cause::killed);
    CHECK(service.deaths().all()[0].phase == Phase::stopping);
    CHECK(service.deaths().all()[0].backtrace_note == "none: what ended it came from outside");
}

// Gives a call time until it runs, and no more.
void begin_call(const Service& service, const char* method, std::string_view request) {
    CallOptions brief;
    brief.timeout = std::chrono::milliseconds(100);
    REQUIRE(eventually([&] { return summary(service.plugin().call(method, request, brief)) == "timed_out/unknown"; }));
}

TEST_CASE("one that hangs in its save function too") {
    Service service = keeper({{"config", {{"save_ms", 60'000}}}, {"supervision", {{"hang_grace_ms", 50}}}});
    begin_call(service, "add", "1");
    REQUIRE(service.deaths().await_count(1));
    CHECK(service.deaths().all()[0].clause() == "hung and was ended in its save function");
}

TEST_CASE("a call that hangs in a thread is told, although the dispatcher saves again and again meanwhile") {
    Service service = keeper({{"config", {{"save_ms", 20}}}, {"supervision", {{"hang_grace_ms", 300}}}});
    begin_call(service, "stay_open", "");
    std::atomic<bool> over{false};
    std::thread others([&] {
        while (!over) {
            call(service, "add", "1");
        }
    });
    CHECK(service.deaths().await_count(1));
    over = true;
    others.join();
    CHECK(service.deaths().all()[0].clause() == "hung and was ended while running 'stay_open'");
}

TEST_CASE("what a stop loses is told when the worker's time to end is over") {
    const std::string cut_off = "its worker was told to end, did not within 100 ms, and was killed";
    const nlohmann::json supervision = {{"supervision", {{"stop_ms", 100}, {"hang_grace_ms", 60'000}}}};
    Service service = keeper(merged({{"state", {{"every_calls", 0}}}}, supervision));
    REQUIRE(call(service, "add", "1") == "ok: 1");
    begin_call(service, "doze", "60000");
    REQUIRE(service.plugin().stop().has_value());
    CHECK(service.log().await_line(cut_off + ": what calls did since its last checkpoint is lost"));
    service.end_host();
    CHECK(service.deaths().all().empty());

    Service stateless("faulty", merged(kEndlessRestarts, supervision));
    begin_call(stateless, "sleep_forever", "");
    REQUIRE(stateless.plugin().stop().has_value());
    CHECK(stateless.log().await_line(cut_off));

    Service lingering("perils", merged(supervision, {{"config", {{"hang_in", "exit"}}}}));
    REQUIRE(lingering.plugin().stop().has_value());
    CHECK(lingering.log().await_line(cut_off));
}

TEST_CASE("a worker that exits in its destroy function is reported, after a restart and in a stop") {
    for (const bool restarts : {true, false}) {
        CAPTURE(restarts);
        Service service("faulty", merged(kEndlessRestarts, {{"config", {{"stop", "exit"}}}}));
        CHECK((restarts ? service.plugin().restart() : service.plugin().stop()).has_value());
        REQUIRE(service.deaths().await_count(1));
        CHECK(service.deaths().all()[0].cause == Cause::exit);
        CHECK(service.deaths().all()[0].step == "in its destroy function");
        CHECK(service.deaths().all()[0].phase == Phase::stopping);
    }
}

}  // namespace
}  // namespace bulkhead::tests
