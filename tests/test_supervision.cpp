// When a worker comes back, how soon, and who is told.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/refusals.hpp"
#include "support/scale.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"
#include "support/witness.hpp"

namespace bulkhead {

inline std::ostream& operator<<(std::ostream& out, PluginState state) { return out << to_string(state); }

}  // namespace bulkhead

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

bool await_state(const Service& service, PluginState state) {
    return eventually([&] { return service.plugin().status().state == state; });
}

// Kills the serving worker without a call in flight.
void kill_worker(const Service& service) {
    const auto pid = static_cast<pid_t>(service.plugin().status().worker_pid);
    REQUIRE(pid > 0);
    REQUIRE(::kill(pid, SIGKILL) == 0);
    REQUIRE(await_gone(pid));
}

TEST_CASE("a transient plugin that exits with code 0 stays down until it is started again") {
    Service service("keeper", {{"supervision", {{"policy", "transient"}}}});
    REQUIRE(summary(service.plugin().call("add", "2")) == "ok: 2");
    CHECK(summary(service.plugin().call("exit", "0")) == "crashed/unknown");
    REQUIRE(await_state(service, PluginState::stopped));
    CHECK(summary(service.plugin().call("get", "")) == "stopped/none");
    REQUIRE(service.plugin().start().has_value());
    CHECK(summary(service.plugin().call("get", "")) == "ok: 2");
    CHECK(summary(service.plugin().call("exit", "1")) == "crashed/unknown");
    CHECK(summary(service.plugin().call("get", "")) == "ok: 2");
}

TEST_CASE("a temporary plugin stays down after any end") {
    Service service("keeper", {{"supervision", {{"policy", "temporary"}}}});
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    REQUIRE(await_state(service, PluginState::stopped));
    CHECK(summary(service.plugin().call("get", "")) == "stopped/none");
    CHECK(service.plugin().stats().restarts == 0);
}

TEST_CASE(
    "deaths without service are followed by a backoff, in which calls fail at once with the time of the next try") {
    Service service("keeper", {{"supervision", {{"backoff_ms", 60'000}, {"backoff_max_ms", 60'000}}}});
    kill_worker(service);
    REQUIRE(eventually([&] { return service.plugin().status().incarnation == 2; }));
    kill_worker(service);
    REQUIRE(await_state(service, PluginState::backoff));
    const auto before = std::chrono::steady_clock::now();
    const auto outcome = service.plugin().call("get", "");
    CHECK(std::chrono::steady_clock::now() - before < 10s);
    CHECK(summary(outcome) == "unavailable/none");
    REQUIRE(outcome.error().next_try);
    CHECK(*outcome.error().next_try > before + 30s);
    CHECK(contains(outcome.error().message, "; it is tried again in "));
    CHECK(*outcome.error().next_try < before + 80s);
    CHECK(service.plugin().status().next_try == outcome.error().next_try);

    CallOptions patient;
    patient.when_unavailable = WhenUnavailable::wait;
    patient.timeout = 1ms;
    CHECK(summary(service.plugin().call("get", "", patient)) == "timed_out/none");
    patient.timeout = kPatience;
    Collector<std::string> outcomes;
    service.plugin().async_call("get", "", patient,
                                [outcomes](const result<Bytes>& late) { outcomes.add(summary(late)); });
    service.plugin().reset();
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "ok: 0");
    CHECK(service.plugin().status().state == PluginState::running);
}

TEST_CASE("a short backoff ends by itself") {
    Service service("keeper", {{"supervision", {{"backoff_ms", 20}}}});
    for (std::uint32_t life = 1; life <= 3; ++life) {
        REQUIRE(eventually([&] { return service.plugin().status().incarnation == life; }));
        kill_worker(service);
    }
    CHECK(eventually([&] { return summary(service.plugin().call("get", "")) == "ok: 0"; }));
}

TEST_CASE("a fatal plugin comes back by reset, and those who wait for it are served") {
    Service service("keeper", {{"supervision", {{"restarts", 0}}}});
    REQUIRE(summary(service.plugin().call("add", "4")) == "ok: 4");
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    REQUIRE(await_state(service, PluginState::fatal));
    const auto refused = service.plugin().call("get", "");
    CHECK(summary(refused) == "unavailable/none");
    CHECK_FALSE(refused.error().next_try);
    CallOptions patient;
    patient.when_unavailable = WhenUnavailable::wait;
    std::thread caller([&] { CHECK(summary(service.plugin().call("get", "", patient)) == "ok: 4"); });
    REQUIRE(eventually([&] { return service.plugin().stats().in_flight == 1; }));
    service.plugin().reset();
    caller.join();
}

TEST_CASE("the sustained limit counts where the burst limit has forgotten") {
    Service service("keeper",
                    {{"supervision", {{"restarts", 1000}, {"sustained_restarts", 3}, {"quarantine_deaths", 0}}}});
    for (int crash = 0; crash < 4; ++crash) {
        REQUIRE(summary(service.plugin().call("get", "")) == "ok: 0");
        CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    }
    REQUIRE(await_state(service, PluginState::fatal));
    check_sentence(sentence(service.plugin().call("get", "")), {"died too often", "3 restarts within 3600000 ms"});
}

// Who stops a plugin or starts it must not be in the other's way. Handles, as the host may have to end first.
using Finished = std::future<bool>;

Finished stop_aside(const Plugin& plugin) {
    return std::async(std::launch::async, [plugin] { return plugin.stop().has_value(); });
}

Finished start_aside(const Plugin& plugin) {
    return std::async(std::launch::async, [plugin] { return plugin.start().has_value(); });
}

TEST_CASE("a blank that is killed costs the plugin nothing, before and after it was given the order") {
    const Service service("keeper", {{"supervision", {{"restarts", 1}, {"start_attempts", 0}}}});
    for (int round = 0; round < 20; ++round) {
        REQUIRE(service.plugin().stop().has_value());
        const Family family = await_family_of(::getpid());
        if (round % 2 == 0) {
            REQUIRE(::kill(family.blank, SIGKILL) == 0);
            REQUIRE(service.plugin().start().has_value());
        } else {
            REQUIRE(::kill(family.blank, SIGSTOP) == 0);
            auto started = start_aside(service.plugin());
            REQUIRE(await_state(service, PluginState::starting));
            REQUIRE(::kill(family.blank, SIGKILL) == 0);
            CHECK(started.get());
        }
        CHECK(summary(service.plugin().call("get", "")) == "ok: 0");
    }
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("calls that wait for a start that fails are told, the asynchronous ones too") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    Service service("keeper", merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}}}));
    REQUIRE(service.plugin().stop().has_value());
    REQUIRE(std::ofstream(trap).is_open());  // from now on it crashes when it is created
    const Family family = await_family_of(::getpid());
    REQUIRE(::kill(family.fork_server, SIGSTOP) == 0);
    REQUIRE(::kill(family.blank, SIGKILL) == 0);
    auto started = std::async(std::launch::async, [&service] { return service.plugin().start().has_value(); });
    REQUIRE(await_state(service, PluginState::starting));
    auto waiting = service.plugin().async_call("get", "", {}, boost::asio::use_future);
    REQUIRE(::kill(family.fork_server, SIGCONT) == 0);
    CHECK_FALSE(started.get());
    CHECK(summary(waiting.get()) == "unavailable/none");
}

TEST_CASE("events tell each step, in order") {
    Collector<PluginEvent> events;
    HostOptions options = host_options();
    options.on_event = [events](const PluginEvent& event) { events.add(event); };
    Service service("keeper", {{"supervision", {{"restarts", 0}}}}, options);
    REQUIRE(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    REQUIRE(await_state(service, PluginState::fatal));
    REQUIRE(service.plugin().start().has_value());
    REQUIRE(service.plugin().stop().has_value());
    service.end_host();
    std::vector<std::string> steps;
    for (const PluginEvent& event : events.all()) {
        CHECK(event.plugin == "keeper");
        CHECK(event.reason != "");
        steps.push_back(std::string(to_string(event.from)) + ">" + std::string(to_string(event.to)));
    }
    const std::vector<std::string> expected = {"starting>starting", "starting>running", "running>fatal",
                                               "fatal>starting",    "starting>running", "running>stopping",
                                               "stopping>stopped",  "stopped>stopped"};
    CHECK(steps == expected);
}

TEST_CASE("stop ends the worker in order, and start begins another life") {
    Service service;
    const pid_t worker = service.worker();
    REQUIRE(service.plugin().stop().has_value());
    CHECK_FALSE(is_alive(worker));
    CHECK(service.plugin().status().state == PluginState::stopped);
    REQUIRE(service.plugin().stop().has_value());
    REQUIRE(service.plugin().start().has_value());
    REQUIRE(service.plugin().start().has_value());
    CHECK(service.worker() != worker);
    CHECK(service.plugin().stats().deaths == 0);
    service.end_host();
    CHECK(service.plugin().start().error().code == ErrorCode::stopped);
}

TEST_CASE("a worker is known to serve while its first call still runs") {
    for (const int standby : {0, 1}) {
        CAPTURE(standby);
        Witness witness(merged(kEndlessRestarts, {{"supervision", {{"standby", standby}}}}));
        Service& service = witness.service();
        REQUIRE(eventually([&] { return standby == 0 || service.plugin().status().standby_ready; }));
        Held running(witness);
        auto next = service.plugin().async_call("hold", witness.make_gate(), {}, boost::asio::use_future);
        kill_worker(service);
        CHECK(running.outcome() == "crashed/unknown");
        CHECK(service.log().await([](const std::vector<LogLine>& lines) {
            return std::any_of(lines.begin(), lines.end(),
                               [](const LogLine& line) { return contains(line.text, "its next worker serves"); });
        }));
        CHECK(witness.journal().size() == 2);  // it runs
        service.end_host();
        CHECK(summary(next.get()) == "stopped/unknown");
    }
}

TEST_CASE("a stop that comes while a worker runs its first call ends, whoever reads the answer") {
    for (const char* latency : {"adaptive", "park"}) {
        for (const bool asynchronous : {false, true}) {
            const Service service("keeper", merged(kEndlessRestarts, {{"latency", latency}}));
            const Plugin& plugin = service.plugin();
            for (int round = 0; round < scaled(40); ++round) {
                REQUIRE(plugin.start().has_value());
                plugin.call("crash", "");
                std::future<result<Bytes>> answer;
                if (asynchronous) {
                    answer = plugin.async_call("doze", "2", {}, boost::asio::use_future);
                } else {
                    answer = std::async(std::launch::async, [plugin] { return plugin.call("doze", "2"); });
                }
                std::this_thread::sleep_for(std::chrono::microseconds(50 * round));  // any moment will do
                Finished stopped = stop_aside(plugin);
                REQUIRE(stopped.wait_for(kPatience) == std::future_status::ready);
                REQUIRE(answer.wait_for(kPatience) == std::future_status::ready);
                const std::string outcome = summary(answer.get());
                CAPTURE(outcome);
                const bool legal =
                    outcome == "ok: 0" || outcome.starts_with("stopped/") || outcome == "crashed/unknown";
                CHECK(legal);
            }
        }
    }
}

TEST_CASE("a stop takes no worker from the start that came before its end") {
    Finished started;
    const Service service("keeper", kEndlessRestarts);
    const Family family = await_family_of(::getpid());
    // Runs in stop(), which has more to do then.
    const auto start_meanwhile = [&](const result<Bytes>&) {
        CHECK(await_state(service, PluginState::stopped));
        CHECK(::kill(family.fork_server, SIGSTOP) == 0);
        CHECK(::kill(family.blank, SIGKILL) == 0);
        started = start_aside(service.plugin());
        CHECK(await_state(service, PluginState::starting));
    };
    service.plugin().async_call("stay_open", "", {},
                                boost::asio::bind_executor(boost::asio::system_executor(), start_meanwhile));
    CHECK(service.plugin().stop().has_value());
    CHECK(::kill(family.fork_server, SIGCONT) == 0);
    REQUIRE(started.wait_for(kPatience) == std::future_status::ready);
    CHECK(started.get());
}

TEST_CASE("whoever starts a plugin that another thread is starting waits for the same end") {
    const Service service("keeper", {{"config", {{"create_ms", 300}}}});
    REQUIRE(service.plugin().stop().has_value());
    auto first = start_aside(service.plugin());
    REQUIRE(await_state(service, PluginState::starting));
    CHECK(service.plugin().start().has_value());
    CHECK(service.plugin().status().state == PluginState::running);
    CHECK(first.get());
}

TEST_CASE("a stop is over when the plugin has stopped, although it is started again at once") {
    constexpr std::chrono::milliseconds kStop = 2 * kPatience;
    std::vector<Finished> finished;
    const Service service("keeper", merged(kEndlessRestarts, {{"supervision", {{"stop_ms", kStop.count()}}}}));
    for (int round = 0; round < scaled(50); ++round) {
        REQUIRE(service.plugin().start().has_value());
        finished.clear();
        for (int caller = 0; caller < 8; ++caller) {
            finished.push_back(stop_aside(service.plugin()));
        }
        finished.push_back(start_aside(service.plugin()));
        for (Finished& one : finished) {
            REQUIRE(one.wait_for(kPatience) == std::future_status::ready);
        }
    }
}

}  // namespace
}  // namespace bulkhead::tests
