// Law 4: every call ends exactly once, by its deadline, and its error says what happened to the plugin.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <string>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

constexpr auto kSlack = 5s;  // for a busy machine

CallOptions within(std::chrono::nanoseconds timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
}

TEST_CASE("a call that does not come back ends at its deadline, and has begun") {
    Service service;
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = service.plugin().call("hang", "", within(50ms));
    const auto elapsed = std::chrono::steady_clock::now() - begin;
    CHECK(summary(outcome) == "timed_out/unknown");
    CHECK(contains(sentence(outcome), "plugin faulty: call 'hang'"));
    CHECK(elapsed >= 50ms);
    CHECK(elapsed < 50ms + kSlack);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("the default deadline is the manifest's") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"call_ms", 80}}}}));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(summary(service.plugin().call("sleep_forever", "")) == "timed_out/unknown");
    CHECK(std::chrono::steady_clock::now() - begin >= 80ms);
    const auto seen = service.plugin().call("deadline", "", within(10s));
    REQUIRE(seen.has_value());
    CHECK(seen->text() != "0");
}

TEST_CASE("without a deadline is only who asks for that, and the plugin is told") {
    Service service;
    const auto seen = service.plugin().call("deadline", "", within(CallOptions::kNoTimeout));
    REQUIRE(seen.has_value());
    CHECK(seen->text() == "0");
}

TEST_CASE("a deadline that has passed is an outcome and not a call") {
    Witness witness;
    for (const auto timeout : {0ns, -1ns, std::chrono::nanoseconds(-5s)}) {
        CHECK(summary(witness.plugin().call("note", "never", within(timeout))) == "timed_out/none");
    }
    CHECK(summary(witness.plugin().call("note", "now")) == "ok: now");
    CHECK(witness.journal() == std::vector<std::string>{"now"});
}

TEST_CASE("a call behind one that takes long expires without an effect, and never runs afterwards") {
    Witness witness;
    Held held(witness);
    CHECK(summary(witness.plugin().call("note", "too late", within(30ms))) == "timed_out/none");
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(summary(witness.plugin().call("note", "next")) == "ok: next");
    CHECK(witness.journal() == std::vector<std::string>{"hold", "next"});
    CHECK(witness.plugin().stats().deaths == 0);
}

TEST_CASE("asynchronous calls expire like synchronous ones") {
    Witness witness;
    Held held(witness);
    Collector<std::string> outcomes;
    for (int call = 0; call < 5; ++call) {
        witness.plugin().async_call("note", "too late", within(30ms),
                                    [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    }
    REQUIRE(outcomes.await_count(5));
    for (const std::string& outcome : outcomes.all()) {
        CHECK(outcome == "timed_out/none");
    }
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(summary(witness.plugin().call("note", "next")) == "ok: next");
    CHECK(witness.journal() == std::vector<std::string>{"hold", "next"});
}

TEST_CASE("an asynchronous call that has begun expires with an unknown effect") {
    Service service;
    Collector<std::string> outcomes;
    service.plugin().async_call("hang_cancellable", "", within(30ms),
                                [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "timed_out/unknown");
    // Its late answer is legal and dropped.
    CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
    CHECK(service.plugin().stats().deaths == 0);
    CHECK(outcomes.all().size() == 1);
}

TEST_CASE("a worker that does not let go of an expired call is ended as a hang, and the plugin is back") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"hang_grace_ms", 50}}}}));
    for (const char* method : {"hang", "sleep_forever", "stop_self", "never_answer"}) {
        CAPTURE(method);
        const std::size_t deaths = service.deaths().all().size();
        CHECK(summary(service.plugin().call(method, "", within(50ms))) == "timed_out/unknown");
        REQUIRE(service.deaths().await_count(deaths + 1));
        const Report report = service.deaths().all().back();
        CHECK(report.cause == Cause::hang);
        CHECK(report.running_method == method);
        CHECK(contains(report.clause(), "hung"));
        CHECK(service.serves_again());
    }
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a worker that is stopped between calls is found by the next call") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"hang_grace_ms", 50}}}}));
    const pid_t worker = service.worker();
    REQUIRE(::kill(worker, SIGSTOP) == 0);
    REQUIRE(eventually([worker] { return status_of(worker).state == 'T'; }));
    CHECK(summary(service.plugin().call("echo", "x", within(50ms))) == "timed_out/none");
    CHECK(service.serves_again());
    CHECK(service.deaths().await_count(1));
    CHECK(service.deaths().all().front().cause == Cause::hang);
}

TEST_CASE("an answer that comes in time is an answer, though later ones are late") {
    Service service;
    CHECK(summary(service.plugin().call("answer_later", "x", within(10s))) == "ok: x");
    CHECK(summary(service.plugin().call("hang_cancellable", "", within(20ms))) == "timed_out/unknown");
    CHECK(summary(service.plugin().call("answer_later", "y", within(10s))) == "ok: y");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("errors of the plugin keep number and text") {
    Service service;
    const auto failed = service.plugin().call("fail", "-17 no such thing");
    CHECK(summary(failed) == "plugin_failed/unknown");
    REQUIRE(failed.has_error());
    CHECK(failed.error().plugin_number == -17);
    CHECK(sentence(failed) == "plugin faulty: call 'fail' failed: no such thing");
    const std::string long_text(1000, 'x');
    CHECK(contains(sentence(service.plugin().call("fail", "1 " + long_text)), long_text));
    const auto thrown = service.plugin().call("throw", "thrown");
    CHECK(summary(thrown) == "plugin_failed/unknown");
    CHECK(contains(sentence(thrown), "thrown"));
    CHECK(service.plugin().stats().failed(ErrorCode::plugin_failed) == 3);
}

TEST_CASE("a method that does not exist is refused by name") {
    Service service;
    const auto outcome = service.plugin().call("fly", "");
    CHECK(summary(outcome) == "no_such_method/none");
    CHECK(sentence(outcome) == "plugin faulty has no method 'fly'");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
