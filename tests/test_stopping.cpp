// The end of a host and of a plugin: calls end as stopped, workers are let shut down, what is left is killed.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/snapshot.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("calls of all kinds that are under way when their host ends, end as stopped") {
    Witness witness(merged(kEndlessRestarts, {{"limits", {{"in_flight", 8}}}}));
    Held held(witness);
    Collector<std::string> outcomes;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] { outcomes.add(summary(witness.plugin().call("note", "x"))); });
        witness.plugin().async_call("note", "x", {},
                                    [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    }
    REQUIRE(eventually([&] { return witness.plugin().stats().in_flight == 7; }));
    CallOptions patient;
    patient.when_full = WhenFull::wait;
    patient.timeout = CallOptions::kNoTimeout;
    for (int caller = 0; caller < 2; ++caller) {  // one fills the last place, one waits for room
        callers.emplace_back([&] { outcomes.add(summary(witness.plugin().call("note", "x", patient))); });
    }
    REQUIRE(eventually([&] { return witness.plugin().stats().calls == 9; }));
    witness.service().end_host();
    for (std::thread& caller : callers) {
        caller.join();
    }
    REQUIRE(outcomes.await_count(8));
    for (const std::string& outcome : outcomes.all()) {
        CHECK(outcome == "stopped/none");
    }
    CHECK(held.outcome() == "stopped/unknown");
    CHECK(witness.journal() == std::vector<std::string>{"hold"});
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("a handle that outlives its host answers, and says that it was stopped") {
    Service service;
    service.end_host();
    const auto outcome = service.plugin().call("echo", "x");
    CHECK(summary(outcome) == "stopped/none");
    CHECK(contains(sentence(outcome), "plugin faulty"));
    Collector<std::string> outcomes;
    service.plugin().async_call("echo", "x", {},
                                [outcomes](const result<Bytes>& late) { outcomes.add(summary(late)); });
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "stopped/none");
    CHECK(service.plugin().name() == "faulty");
    CHECK_FALSE(service.plugin().methods().empty());
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a worker that hangs, or is stopped, is ended when its time to stop is over") {
    for (const char* method : {"hang", "sleep_forever", "stop_self"}) {
        CAPTURE(method);
        Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"stop_ms", 100}}}}));
        const pid_t worker = service.worker();
        std::string outcome;
        std::thread caller([&] { outcome = summary(service.plugin().call(method, "")); });
        CallOptions brief;
        brief.timeout = 50ms;
        CHECK(eventually([&] { return summary(service.plugin().call("echo", "x", brief)) == "timed_out/none"; }));
        const auto begin = std::chrono::steady_clock::now();
        service.end_host();
        const auto elapsed = std::chrono::steady_clock::now() - begin;
        CHECK(elapsed >= 100ms);
        CHECK(elapsed < 5s);
        CHECK_FALSE(is_alive(worker));
        caller.join();
        CHECK(outcome == "stopped/unknown");
    }
}

TEST_CASE("an idle worker ends in order, and quickly") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"stop_ms", 60'000}}}}));
    REQUIRE(service.plugin().call("echo", "x").has_value());
    const auto begin = std::chrono::steady_clock::now();
    service.end_host();
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(service.plugin().stats().deaths == 0);
    CHECK(service.deaths().all().empty());
}

TEST_CASE("a worker that dies in a call while it is to stop is reported with that call") {
    Witness witness;
    Held held(witness);
    const auto worker = static_cast<pid_t>(witness.plugin().status().worker_pid);
    auto stop = std::async(std::launch::async, [plugin = witness.plugin()] { return plugin.stop().has_value(); });
    CHECK(held.outcome() == "stopped/unknown");
    REQUIRE(::kill(worker, SIGKILL) == 0);
    CHECK(stop.get());
    REQUIRE(witness.service().deaths().await_count(1));
    const Report report = witness.service().deaths().all()[0];
    CHECK(report.running_method == "hold");
    CHECK(report.phase == Phase::stopping);
    CHECK(report.clause() == "was killed with SIGKILL (9) while running 'hold' when it was being stopped");
}

TEST_CASE("an instance that hangs or crashes at its end does not keep its host") {
    for (const char* fault : {"crash", "hang", "exit"}) {
        CAPTURE(fault);
        const Snapshot before = Snapshot::take();
        {
            Service service("faulty", merged(kEndlessRestarts,
                                             {{"config", {{"stop", fault}}}, {"supervision", {{"stop_ms", 200}}}}));
            REQUIRE(service.plugin().call("echo", "x").has_value());
            const auto begin = std::chrono::steady_clock::now();
            service.end_host();
            CHECK(std::chrono::steady_clock::now() - begin < 5s);
        }
        CHECK(before.leftovers() == "");
    }
}

TEST_CASE("several plugins that hang are ended together, not one after the other") {
    Host host = make_host();
    std::optional<Host> ending(std::move(host));
    std::vector<std::unique_ptr<PluginFolder>> folders;
    for (int index = 0; index < 6; ++index) {
        folders.push_back(std::make_unique<PluginFolder>(
            "faulty",
            nlohmann::json{{"name", "faulty" + std::to_string(index)}, {"supervision", {{"stop_ms", 1000}}}}));
        const Plugin plugin = load(*ending, *folders.back());
        plugin.async_call("sleep_forever", "", {}, [](const result<Bytes>&) {});
        CallOptions brief;
        brief.timeout = 20ms;
        CHECK(eventually([&] { return summary(plugin.call("echo", "x", brief)) == "timed_out/none"; }));
    }
    const auto begin = std::chrono::steady_clock::now();
    ending.reset();
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("unloading ends one plugin and leaves the others alone") {
    const Snapshot before = Snapshot::take();
    {
        Service service;
        const PluginFolder neighbour_folder("greeter");
        const Plugin neighbour = load(service.host(), neighbour_folder);
        const pid_t worker = service.worker();
        CHECK(service.host().unload("faulty").has_value());
        CHECK_FALSE(is_alive(worker));
        CHECK(summary(service.plugin().call("echo", "x")) == "stopped/none");
        CHECK(service.host().plugin("faulty").has_error());
        CHECK(summary(neighbour.call("greet", "you")) == "ok: Hello, you!");
        for (int turn = 0; turn < scaled(30); ++turn) {
            const Plugin again = load(service.host(), service.folder());
            CHECK(summary(again.call("echo", "x")) == "ok: x");
            CHECK(service.host().unload("faulty").has_value());
        }
    }
    CHECK(before.leftovers() == "");
}

TEST_CASE("hosts that end while calls stream in from many threads leave no call without an outcome") {
    for (int turn = 0; turn < scaled(40); ++turn) {
        Service service;
        std::atomic<bool> stop{false};
        std::atomic<long> started{0};
        std::atomic<long> ended{0};
        std::atomic<long> wrong{0};
        const auto judge = [&](const result<Bytes>& outcome) {
            const bool right =
                outcome ? outcome->text() == "x"
                        : outcome.error().code == ErrorCode::stopped || outcome.error().code == ErrorCode::overloaded;
            wrong += right ? 0 : 1;
            ++ended;
        };
        std::vector<std::thread> callers;
        for (int thread = 0; thread < 4; ++thread) {
            callers.emplace_back([&, thread, plugin = service.plugin()] {
                while (!stop) {
                    ++started;
                    if (thread % 2 == 0) {
                        judge(plugin.call("echo", "x"));
                    } else {
                        plugin.async_call("echo", "x", {}, judge);
                    }
                }
            });
        }
        REQUIRE(eventually([&] { return ended > 100; }));
        service.end_host();
        const long at_the_end = started;
        REQUIRE(eventually([&] { return started > at_the_end + 10; }));  // with the handle alone
        stop = true;
        for (std::thread& caller : callers) {
            caller.join();
        }
        CHECK(eventually([&] { return ended == started; }));
        CHECK(wrong == 0);
        CHECK(unaccounted(service.plugin().stats()) == "");
    }
}

TEST_CASE("a host may end while a worker of it is being restarted") {
    const Snapshot before = Snapshot::take();
    for (int turn = 0; turn < scaled(60); ++turn) {
        Service service;
        CHECK(summary(service.plugin().call("segfault", "")) == "crashed/unknown");
        const auto begin = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - begin < std::chrono::microseconds(turn * 20)) {
        }
        service.end_host();
        CHECK(std::chrono::steady_clock::now() - begin < 10s);
        std::string deaths;
        for (const Report& report : service.deaths().all()) {
            deaths += report.id + ": " + report.clause() + "\n";
        }
        CAPTURE(deaths);
        CHECK(service.deaths().all().size() <= 1);
    }
    CHECK(before.leftovers() == "");
}

}  // namespace
}  // namespace bulkhead::tests
