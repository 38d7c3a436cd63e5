// A worker is replaced in order, and no call notices.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

// Calls from several threads while `act` runs; how many did not end as they should.
template <typename Act>
long failures_during(const Service& service, const char* method, Act&& act) {
    std::atomic<bool> stop{false};
    std::atomic<long> failed{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] {
            while (!stop) {
                failed += service.plugin().call(method, "1").has_value() ? 0 : 1;
            }
        });
    }
    act();
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    return failed;
}

TEST_CASE("restart puts a fresh worker in the place of the old one, and no call fails") {
    for (const int standby : {0, 1}) {
        CAPTURE(standby);
        Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"standby", standby}}}}));
        const long failed = failures_during(service, "echo", [&] {
            for (int turn = 0; turn < scaled(20); ++turn) {
                const pid_t former = service.worker();
                const auto restarted = service.plugin().restart();
                REQUIRE_MESSAGE(restarted.has_value(), restarted.error().message);
                CHECK(service.worker() != former);
                CHECK(await_gone(former));
            }
        });
        CHECK(failed == 0);
        CHECK(service.plugin().stats().deaths == 0);
        CHECK(service.deaths().all().empty());
    }
}

// Comes to an end, and well.
bool restarts(const Service& service) {
    auto restarted = std::async(std::launch::async, [&service] { return service.plugin().restart().has_value(); });
    if (restarted.wait_for(kPatience) == std::future_status::ready) {
        return restarted.get();
    }
    ::kill(static_cast<pid_t>(service.plugin().status().worker_pid), SIGKILL);  // the test must end
    return false;
}

TEST_CASE("restart waits for a successor that still loads its state, and then replaces it") {
    Service service("keeper", merged(kEndlessRestarts, {{"config", {{"load_ms", 300}}},
                                                        {"state", {{"every_calls", 1}}},
                                                        {"supervision", {{"standby", 1}}}}));
    REQUIRE(summary(service.plugin().call("add", "7")) == "ok: 7");
    REQUIRE(eventually([&service] { return service.plugin().status().standby_ready; }));
    REQUIRE(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    CHECK(restarts(service));
    CHECK(summary(service.plugin().call("get", "")) == "ok: 7");
}

TEST_CASE("a successor that is ready a little too late is ended, and whoever waits for it is told") {
    const ScratchFolder scratch;
    const std::string deaf = scratch.path() / "deaf";
    Service service("keeper", merged(kEndlessRestarts,
                                     {{"environment", {{"KEEPER_DEAF", deaf}}}, {"supervision", {{"start_ms", 400}}}}));
    std::ofstream(deaf) << "425";  // when it was asked in vain where it is, and is about to be killed
    CHECK_FALSE(restarts(service));
    CHECK(summary(service.plugin().call("get", "")) == "ok: 0");
    REQUIRE(std::filesystem::remove(deaf));
    CHECK(restarts(service));
}

TEST_CASE("a first worker that is ready a little too late never served") {
    const ScratchFolder scratch;
    const std::string deaf = scratch.path() / "deaf";
    std::ofstream(deaf) << "425";
    const PluginFolder folder("keeper",
                              {{"environment", {{"KEEPER_DEAF", deaf}}}, {"supervision", {{"start_ms", 400}}}});
    Host host = make_host();
    const auto loaded = host.load(folder.path());
    REQUIRE(loaded.has_error());
    CHECK(contains(loaded.error().message, "it was not ready within 400 ms"));
}

TEST_CASE("a worker that is replaced has its time for the last save from its last call on") {
    Service service("keeper", merged(kEndlessRestarts, {{"config", {{"save_ms", 500}}},
                                                        {"state", {{"every_calls", 0}}},
                                                        {"supervision", {{"stop_ms", 2000}}}}));
    REQUIRE(summary(service.plugin().call("add", "7")) == "ok: 7");
    std::atomic<bool> stop{false};
    auto long_call =
        std::async(std::launch::async, [&service] { return summary(service.plugin().call("doze", "2500")); });
    REQUIRE(eventually([&service] { return service.plugin().stats().in_flight == 1; }));
    std::thread impatient([&] {  // its deadlines have the host look at the worker all the time
        CallOptions options;
        options.timeout = std::chrono::milliseconds(20);
        while (!stop) {
            service.plugin().async_call("get", "", options, [](const result<Bytes>&) {});
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    CHECK(restarts(service));
    stop = true;
    impatient.join();
    CHECK(long_call.get() == "ok: 0");
    CHECK(summary(service.plugin().call("get", "")) == "ok: 7");
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a worker that crashes on its way out does its successor no harm, whatever the rule") {
    for (const char* policy : {"temporary", "permanent"}) {
        for (const std::string place : {"deactivate", "destroy"}) {
            CAPTURE(policy);
            CAPTURE(place);
            Service service(
                "perils", {{"config", {{"crash_in", place}}}, {"supervision", {{"policy", policy}, {"restarts", 1}}}});
            for (std::size_t turn = 1; turn <= 4; ++turn) {
                REQUIRE(restarts(service));
                REQUIRE(service.deaths().await_count(turn));
                CHECK(service.deaths().all().back().step == "in its " + place + " function");
                CHECK(service.deaths().all().back().phase == Phase::stopping);
                CHECK((service.plugin().status().state == PluginState::running));
            }
        }
    }
}

TEST_CASE("a worker that hangs in its last save, after a call that took longer than it may stop, is ended") {
    Service service("keeper", merged(kEndlessRestarts, {{"config", {{"save_ms", 60'000}}},
                                                        {"state", {{"every_calls", 0}}},
                                                        {"supervision", {{"stop_ms", 200}}}}));
    auto long_call =
        std::async(std::launch::async, [&service] { return summary(service.plugin().call("doze", "500")); });
    REQUIRE(eventually([&service] { return service.plugin().stats().in_flight == 1; }));
    CHECK(restarts(service));
    CHECK(long_call.get() == "ok: 0");
}

TEST_CASE("a worker is recycled after so many calls, with its state") {
    Service service("keeper", merged(kEndlessRestarts, {{"supervision", {{"recycle", {{"calls", 50}}}}}}));
    const pid_t first = std::stoi(std::string(service.plugin().call("pid", "")->text()));
    for (int turn = 1; turn <= 300; ++turn) {
        REQUIRE(summary(service.plugin().call("add", "1")) == "ok: " + std::to_string(turn));
    }
    CHECK(eventually([&] { return service.plugin().status().incarnation > 1; }));
    CHECK(await_gone(first));
    CHECK(summary(service.plugin().call("get", "")) == "ok: 300");
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a worker is recycled when it is old enough") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"recycle", {{"age_ms", 20}}}}}}));
    const long failed = failures_during(
        service, "echo", [&] { CHECK(eventually([&] { return service.plugin().status().incarnation > 5; })); });
    CHECK(failed == 0);
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a worker that dies when it is about to be recycled leaves a successor that is recycled in its turn") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"recycle", {{"calls", 4}}}}}}));
    for (int turn = 0; turn < scaled(20); ++turn) {
        for (int call = 0; call < 4; ++call) {
            REQUIRE(summary(service.plugin().call("echo", "x")) == "ok: x");
        }
        CHECK(summary(service.plugin().call("segfault", "")) == "crashed/unknown");  // its successor is on its way
        const std::uint32_t successor = service.plugin().status().incarnation;
        CHECK(eventually([&] {
            return service.plugin().call("echo", "x").has_value() &&
                   service.plugin().status().incarnation > successor + 1;
        }));
    }
    CHECK(service.plugin().stats().deaths == static_cast<std::uint64_t>(scaled(20)));
}

TEST_CASE("a worker is recycled when it has grown too large") {
    Service service("faulty",
                    merged(kEndlessRestarts, {{"supervision", {{"recycle", {{"memory", std::uint64_t{128} << 20}}}}}}));
    const pid_t first = service.worker();
    REQUIRE(service.plugin().call("leak", std::to_string(256 << 20)).has_value());
    CHECK(eventually([&] { return service.worker() != first; }));
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a worker whose successor could not be made is recycled later") {
    for (const nlohmann::json& rule : {nlohmann::json{{"calls", 4}}, nlohmann::json{{"age_ms", 20}}}) {
        CAPTURE(rule.dump());
        const ScratchFolder scratch;
        const std::string trap = scratch.path() / "trap";
        const nlohmann::json supervision = {{"recycle", rule}, {"start_attempts", 1'000'000}};
        const Service service("keeper", merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}},
                                                                  {"supervision", supervision}}));
        const auto call_until = [&service](auto&& happened) {
            return eventually([&] { return service.plugin().call("add", "1").has_value() && happened(); });
        };
        std::ofstream(trap).put('.');  // from now on create crashes
        REQUIRE(call_until([&service] { return service.plugin().stats().deaths > 0; }));
        std::filesystem::remove(trap);
        const std::uint32_t former = service.plugin().status().incarnation;
        CHECK(call_until([&] { return service.plugin().status().incarnation > former; }));
    }
}

TEST_CASE("successors that failed to start are not in a row when one between them served") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    HostOptions options = host_options();
    options.worker = worker_with_death_points();
    const Service service(
        "keeper",
        merged(
            kEndlessRestarts,
            {{"environment", {{"KEEPER_TRAP", trap}, {"BULKHEAD_DIE_AT", "before_activate"}, {"BULKHEAD_DIE_IN", "4"}}},
             {"supervision", {{"start_attempts", 1}}}}),
        options);
    std::ofstream(trap).put('.');
    CHECK_FALSE(service.plugin().restart().has_value());  // life 2 is not even created
    std::filesystem::remove(trap);
    CHECK(service.plugin().restart().has_value());
    REQUIRE(service.plugin().status().incarnation == 3);
    CHECK(service.plugin().restart().has_value());  // life 4 took over, and another one had to be started
    CHECK(service.plugin().status().incarnation == 5);
}

}  // namespace
}  // namespace bulkhead::tests
