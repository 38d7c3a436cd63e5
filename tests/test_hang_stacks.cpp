// Where a worker hung, as far as it could say.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

const nlohmann::json kBriefGrace = merged(kEndlessRestarts, {{"supervision", {{"hang_grace_ms", 20}}}});

CallOptions within(std::chrono::nanoseconds timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
}

Report report_of_hang(const Service& service, std::string_view method, std::chrono::nanoseconds timeout = 20ms) {
    const std::size_t before = service.deaths().all().size();
    CAPTURE(method);
    // On a slow machine the worker may not have begun it by then.
    CHECK(
        eventually([&] { return summary(service.plugin().call(method, "", within(timeout))) == "timed_out/unknown"; }));
    REQUIRE(service.deaths().await_count(before + 1));
    return service.deaths().all()[before];
}

[[maybe_unused]] bool has_function(const Report& report, std::string_view name) {
    return std::any_of(report.backtrace.begin(), report.backtrace.end(),
                       [name](const Frame& frame) { return frame.function == name; });
}

#if !defined(__SANITIZE_THREAD__)  // it holds signals back until the next system call
TEST_CASE("a hang's report says in which function, and claims no crash") {
    const Service service("perils", kBriefGrace);
    const Report report = report_of_hang(service, "hang");
    CHECK(report.cause == Cause::hang);
    CHECK_FALSE(report.crash);
    CHECK(report.running_method == "hang");
    CHECK(report.backtrace_note == "");
    CHECK(has_function(report, "spin"));
    CHECK(has_function(report, "hang_deep"));
}
#endif

TEST_CASE("a call that waits in the kernel is found there") {
    const Service service("faulty", kBriefGrace);
    const Report report = report_of_hang(service, "sleep_forever");
    CHECK(report.cause == Cause::hang);
    CHECK_FALSE(report.crash);
    CHECK(std::any_of(report.backtrace.begin(), report.backtrace.end(),
                      [](const Frame& frame) { return frame.function == "faulty::sleep_forever()"; }));
}

#if !defined(__SANITIZE_THREAD__)  // it holds signals back until the next system call
TEST_CASE("a call that another thread keeps is told as that") {
    const Service service("faulty", kBriefGrace);
    const Report report = report_of_hang(service, "never_answer");
    CHECK(report.cause == Cause::hang);
    CHECK(report.backtrace_note == "the dispatcher was idle: another thread has the call");
    CHECK(std::any_of(report.backtrace.begin(), report.backtrace.end(),
                      [](const Frame& frame) { return contains(frame.function, "bulkhead::worker::Dispatcher::"); }));
}
#endif

TEST_CASE("a worker that cannot say where it hangs is ended all the same, and the report says so") {
    const Service service("perils", kBriefGrace);
    const Report stopped = report_of_hang(service, "stop_itself");
    CHECK(stopped.cause == Cause::hang);
    CHECK(stopped.backtrace.empty());
    CHECK(stopped.backtrace_note == "unknown: it was stopped");
    const Report deaf = report_of_hang(service, "hang_deaf");
    CHECK(deaf.cause == Cause::hang);
    CHECK(deaf.backtrace.empty());
    CHECK(deaf.backtrace_note.starts_with("unknown: it did not say in time"));
}

#if !defined(__SANITIZE_THREAD__)  // it holds signals back until the next system call
TEST_CASE("a plugin whose own handler returns to the fault for ever hangs, and the report says where") {
    const Service service("perils", kBriefGrace);
    const Report report = report_of_hang(service, "loop_in_handler");
    CHECK(report.cause == Cause::hang);
    CHECK(has_function(report, "loop_in_handler"));
}
#endif

TEST_CASE("a start that hangs says where") {
    DeathCollector deaths;
    HostOptions options = host_options();
    options.on_death = deaths;
    Host host = make_host(std::move(options));
    const PluginFolder folder("faulty", {{"config", {{"start", "hang"}}}, {"supervision", {{"start_ms", 300}}}});
    REQUIRE(host.load(folder.path()).has_error());
    REQUIRE(deaths.await_count(1));
    const Report report = deaths.all().front();
    CHECK(report.cause == Cause::start_failure);
    CHECK_FALSE(report.crash);
    CHECK(std::any_of(report.backtrace.begin(), report.backtrace.end(),
                      [](const Frame& frame) { return contains(frame.function, "sleep_forever"); }));
}

TEST_CASE("the watchdog ends a call without a deadline, and leaves short ones alone") {
    const Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"watchdog_ms", 100}}}}));
    CHECK(summary(service.plugin().call("echo", "x", within(CallOptions::kNoTimeout))) == "ok: x");
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = service.plugin().call("hang", "", within(CallOptions::kNoTimeout));
    CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
    CHECK(summary(outcome) == "crashed/unknown");
    REQUIRE(outcome.error().report);
    CHECK(outcome.error().report->cause == Cause::hang);
    CHECK(service.serves_again());
}

TEST_CASE("the watchdog counts from when a call began, not from when it was made") {
    Witness witness(merged(kEndlessRestarts, {{"supervision", {{"watchdog_ms", 500}}}}));
    Held held(witness);  // a call with a deadline, far away
    Collector<std::string> outcomes;
    witness.plugin().async_call("note", "late", within(CallOptions::kNoTimeout),
                                [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    const auto came = [](const std::vector<std::string>& all) { return !all.empty(); };
    CHECK_FALSE(outcomes.await(came, 1500ms));
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "ok: late");
    CHECK(witness.service().deaths().all().empty());
}

TEST_CASE("the watchdog ends a worker that was stopped between two calls, and the call that waits is served") {
    const Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"watchdog_ms", 100}}}}));
    const pid_t worker = service.worker();
    REQUIRE(::kill(worker, SIGSTOP) == 0);
    REQUIRE(eventually([worker] { return status_of(worker).state == 'T'; }));
    Collector<std::string> outcomes;
    service.plugin().async_call("echo", "moved", within(CallOptions::kNoTimeout),
                                [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "ok: moved");
    REQUIRE(service.deaths().await_count(1));
    CHECK(service.deaths().all().front().cause == Cause::hang);
    CHECK(service.deaths().all().front().backtrace_note == "unknown: it was stopped");
}

TEST_CASE("the watchdog goes on looking at a call that was cancelled and does not come back") {
    const Service service(
        "faulty", merged(kEndlessRestarts, {{"supervision", {{"watchdog_ms", 100}, {"hang_grace_ms", 600'000}}}}));
    std::stop_source stop;
    CallOptions options = within(CallOptions::kNoTimeout);
    options.stop = stop.get_token();
    std::string outcome;
    std::thread caller([&] { outcome = summary(service.plugin().call("sleep_forever", "", options)); });
    // A second one shows by its own fate that the first has begun.
    CHECK(eventually([&] { return service.plugin().stats().in_flight == 1; }));
    CHECK(summary(service.plugin().call("echo", "behind", within(20ms))) == "timed_out/none");
    stop.request_stop();
    caller.join();
    CHECK(outcome == "cancelled/unknown");
    REQUIRE(service.deaths().await_count(1));
    CHECK(service.deaths().all().front().cause == Cause::hang);
    CHECK(service.serves_again());
}

TEST_CASE("a worker that saves its state after a long call does not hang, though a call behind it expired") {
    constexpr auto kDoze = 1000ms;
    constexpr auto kSave = 150ms;
    constexpr auto kGrace = 300ms;
    // What the host looks at then, every grace after the deadline, falls into the middle of the save.
    constexpr auto kBehind = kDoze + kSave / 2 - 3 * kGrace;
    const Service service("keeper", merged(kEndlessRestarts, {{"config", {{"save_ms", kSave.count()}}},
                                                              {"supervision", {{"hang_grace_ms", kGrace.count()}}},
                                                              {"state", {{"every_calls", 2}}}}));
    for (int turn = 0; turn < 2; ++turn) {
        REQUIRE(summary(service.plugin().call("add", "1")).starts_with("ok"));
        auto dozes = service.plugin().async_call("doze", std::to_string(kDoze.count()), {}, boost::asio::use_future);
        CHECK(summary(service.plugin().call("get", "", within(kBehind))) == "timed_out/none");
        CHECK(summary(dozes.get()) == "ok: 0");
    }
    CHECK(summary(service.plugin().call("get", "")) == "ok: 2");
    CHECK(service.deaths().all().empty());
}

TEST_CASE("a hang never delays its caller") {
    const Service service("perils", kBriefGrace);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = service.plugin().call("hang_deaf", "", within(30ms));
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(summary(outcome) == "timed_out/unknown");
    CHECK(took < 10s);  // a busy machine's slack
    CHECK(service.deaths().await_count(1));
}

}  // namespace
}  // namespace bulkhead::tests
