// A second worker that takes over.
#include <doctest/doctest.h>
#include <signal.h>

#include <boost/asio/use_future.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/adoption.hpp"
#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

const nlohmann::json kStandby = merged(kEndlessRestarts, {{"supervision", {{"standby", 1}}}});

bool await_standby(const Service& service) {
    return eventually([&] { return service.plugin().status().standby_ready; });
}

TEST_CASE("the standby takes over when the serving worker dies, and a new one follows") {
    Service service("faulty", kStandby);
    for (int turn = 0; turn < scaled(30); ++turn) {
        REQUIRE(await_standby(service));
        const pid_t former = service.worker();
        const std::uint32_t incarnation = service.plugin().status().incarnation;
        CHECK(summary(service.plugin().call("segfault", "")) == "crashed/unknown");
        const pid_t next = service.worker();
        CHECK(next != former);
        CHECK(service.plugin().status().incarnation == incarnation + 1);
        CHECK(await_gone(former));
    }
    CHECK(service.plugin().stats().deaths == static_cast<std::uint64_t>(scaled(30)));
}

TEST_CASE("a standby that is killed is replaced, and nobody notices") {
    Service service("faulty", kStandby);
    const pid_t serving = service.worker();
    for (int turn = 0; turn < scaled(10); ++turn) {
        REQUIRE(await_standby(service));
        pid_t standby = 0;
        for (const pid_t pid : await_family_of(::getpid()).others) {
            standby = pid != serving ? pid : standby;
        }
        const std::size_t deaths = service.deaths().all().size();
        REQUIRE(::kill(standby, SIGKILL) == 0);
        CHECK(service.deaths().await_count(deaths + 1));
        CHECK(service.worker() == serving);
    }
}

TEST_CASE("deaths of standbys alone never take the plugin down") {
    struct Case {
        const char* policy;
        int deaths;  // so many would be the end of a plugin that serves
    };
    for (const Case& one : {Case{"permanent", 3}, Case{"temporary", 1}}) {
        CAPTURE(one.policy);
        Service service("faulty", merged(kStandby, {{"supervision", {{"restarts", 2}, {"policy", one.policy}}}}));
        const pid_t serving = service.worker();
        for (int death = 0; death < one.deaths; ++death) {
            REQUIRE(await_standby(service));
            pid_t standby = 0;
            for (const pid_t pid : await_family_of(::getpid()).others) {
                standby = pid != serving ? pid : standby;
            }
            REQUIRE(::kill(standby, SIGKILL) == 0);
            REQUIRE(service.deaths().await_count(static_cast<std::size_t>(death) + 1));
        }
        CHECK(service.plugin().status().state == PluginState::running);
        CHECK(service.worker() == serving);
    }
}

TEST_CASE("a standby answers nothing when the end of the worker that serves is the plugin's") {
    struct Case {
        const char* policy;
        const char* method;
        const char* request;
        bool goes_on;
    };
    for (const Case& one : {Case{"temporary", "crash", "", false}, Case{"temporary", "die", "", false},
                            Case{"temporary", "exit", "0", false}, Case{"transient", "exit", "0", false},
                            Case{"transient", "exit", "3", true}, Case{"transient", "die", "", true},
                            Case{"transient", "crash", "", true}}) {
        CAPTURE(one.policy);
        CAPTURE(one.method);
        for (int turn = 0; turn < scaled(10); ++turn) {
            Service service("keeper", merged(kStandby, {{"supervision", {{"policy", one.policy}}}}));
            REQUIRE(await_standby(service));
            CallOptions patient;
            patient.when_unavailable = WhenUnavailable::wait;
            auto last = service.plugin().async_call(one.method, one.request, {}, boost::asio::use_future);
            // Behind it in the same queue, so that whoever takes over answers it at once.
            const auto next = service.plugin().call("get", "", patient);
            CHECK(summary(last.get()).starts_with("crashed"));
            CHECK(next.has_value() == one.goes_on);
            const PluginState then = one.goes_on ? PluginState::running : PluginState::stopped;
            CHECK(eventually([&] { return service.plugin().status().state == then; }));
        }
    }
}

TEST_CASE("with a standby each call has one outcome through a storm of deaths, and nothing is left") {
    Service service("faulty", kStandby);
    REQUIRE(await_standby(service));
    CHECK(not_just_a_family_with(2) == "");
    const Snapshot before = Snapshot::take();
    std::atomic<bool> stop{false};
    std::atomic<long> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&, caller] {
            for (long turn = 0; !stop; ++turn) {
                const std::string text = std::to_string(caller) + "." + std::to_string(turn);
                const auto outcome = service.plugin().call("echo", text);
                const bool right = outcome ? outcome->text() == text : outcome.error().code == ErrorCode::crashed;
                wrong += right ? 0 : 1;
            }
        });
    }
    for (int kill = 0; kill < scaled(300); ++kill) {
        const pid_t worker = service.worker();
        REQUIRE(::kill(worker, kill % 3 == 0 ? SIGSEGV : SIGKILL) == 0);
        REQUIRE(await_gone(worker));
    }
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(wrong == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
    REQUIRE(await_standby(service));
    CHECK(eventually([] { return family_of(::getpid()).others.size() == 2; }));
    CHECK(service.deaths().await_count(service.plugin().stats().deaths));  // each is explained, one after the other
    CHECK(before.leftovers() == "");
}

}  // namespace
}  // namespace bulkhead::tests
