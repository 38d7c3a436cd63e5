// Somebody kills the guard or the fork server: the service returns, and laws 4 and 5 hold.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/adoption.hpp"
#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/refusals.hpp"
#include "support/scale.hpp"
#include "support/snapshot.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

using Member = pid_t Family::*;

void kill_when_there(Member member) {
    pid_t victim = 0;
    REQUIRE(eventually([&] { return (victim = family_of(::getpid()).*member) != 0; }));
    ::kill(victim, SIGKILL);
}

// Kills members of the host's family again and again while callers call; each call must have its outcome.
void check_kills(const std::vector<Member>& members, int kills) {
    const Snapshot before = Snapshot::take();
    {
        Witness witness;
        std::atomic<bool> stop{false};
        std::atomic<long> answered{0};
        std::atomic<long> lost{0};
        std::vector<std::thread> callers;
        for (int thread = 0; thread < 3; ++thread) {
            callers.emplace_back([&, thread] {
                for (long turn = 0; !stop; ++turn) {
                    const std::string note = std::to_string(thread) + "." + std::to_string(turn);
                    const auto outcome = witness.plugin().call("note", note);
                    if (outcome) {
                        CHECK(outcome->text() == note);
                        ++answered;
                    } else {
                        CHECK_MESSAGE(outcome.error().code == ErrorCode::crashed, sentence(outcome));
                        ++lost;
                    }
                }
            });
        }
        for (int kill = 0; kill < kills; ++kill) {
            const long answered_before = answered;
            kill_when_there(members[static_cast<std::size_t>(kill) % members.size()]);
            // Every second time the next one comes before anybody recovered.
            CHECK((kill % 2 == 0 || eventually([&] { return answered > answered_before; })));
        }
        const long answered_before = answered;
        CHECK(eventually([&] { return answered > answered_before; }));
        stop = true;
        for (std::thread& caller : callers) {
            caller.join();
        }
        MESSAGE(answered.load() << " answered, " << lost.load() << " lost, " << witness.plugin().stats().deaths
                                << " deaths");
        CHECK(unaccounted(witness.plugin().stats()) == "");
        // No call ran twice, however its worker ended.
        std::vector<std::string> runs = witness.journal();
        std::sort(runs.begin(), runs.end());
        CHECK(std::adjacent_find(runs.begin(), runs.end()) == runs.end());
        CHECK(static_cast<long>(runs.size()) >= answered);
        CHECK(static_cast<long>(runs.size()) <= answered + lost);
        CHECK(not_just_a_family_with(1) == "");
    }
    CHECK(before.leftovers() == "");
}

TEST_CASE("a fork server that is killed again and again is replaced, and the plugin with it") {
    check_kills({&Family::fork_server}, scaled(40));
}

TEST_CASE("a guard that is killed again and again is replaced, and all below it") {
    check_kills({&Family::guard}, scaled(40));
}

TEST_CASE("guard, fork server and blank can be killed in any order") {
    check_kills({&Family::guard, &Family::fork_server, &Family::blank, &Family::fork_server, &Family::guard},
                scaled(50));
}

TEST_CASE("deaths of its parents are not held against a plugin") {
    Service service("faulty", {{"supervision", {{"restarts", 1}, {"within_ms", 3'600'000}}}});
    for (int kill = 0; kill < 4; ++kill) {
        kill_when_there(kill % 2 == 0 ? &Family::fork_server : &Family::guard);
        REQUIRE(service.deaths().await_count(static_cast<std::size_t>(kill) + 1));
        CHECK(service.deaths().all().back().cause == Cause::unknown);
        CHECK(service.serves_again());
    }
}

TEST_CASE("a plugin that kills its parent whenever it is created is given up, and others are served meanwhile") {
    Service service;
    auto loading = std::async(std::launch::async, [&service] {
        const PluginFolder folder("perils", {{"config", {{"crash_in", "parent"}}}});
        return service.host().load(folder.path());
    });
    int served = 0;
    while (loading.wait_for(100ms) != std::future_status::ready) {
        served += service.serves_again() ? 1 : 0;
    }
    const auto loaded = loading.get();
    REQUIRE_FALSE(loaded.has_value());
    check_sentence(loaded.error().message,
                   {"plugin perils cannot be started", "the fork server was killed", "times in a row"});
    CHECK(served > 10);
    CHECK(service.serves_again());
}

TEST_CASE("a plugin can be loaded right after its parents were killed") {
    Host host = make_host();
    for (int turn = 0; turn < scaled(20); ++turn) {
        CAPTURE(turn);
        kill_when_there(turn % 2 == 0 ? &Family::fork_server : &Family::guard);
        const Plugin plugin = load(host, built_plugin("greeter"));
        CHECK(summary(plugin.call("greet", "you")) == "ok: Hello, you!");
        CHECK(host.unload("greeter").has_value());
    }
}

TEST_CASE("a host can be destroyed right after its parents were killed") {
    const Snapshot before = Snapshot::take();
    for (int turn = 0; turn < scaled(20); ++turn) {
        CAPTURE(turn);
        Service service;
        kill_when_there(turn % 2 == 0 ? &Family::fork_server : &Family::guard);
        const auto begin = std::chrono::steady_clock::now();
        service.end_host();
        CHECK(std::chrono::steady_clock::now() - begin < 10s);
        CHECK(unaccounted(service.plugin().stats()) == "");
    }
    CHECK(before.leftovers() == "");
}

TEST_CASE("what a plugin started goes with the fork server that goes") {
    Service service;
    const auto child = service.plugin().call("fork_child", "");
    REQUIRE(child.has_value());
    const pid_t orphan = std::stoi(std::string(child->text()));
    CHECK(is_alive(orphan));
    kill_when_there(&Family::fork_server);
    CHECK(await_gone(orphan));
    CHECK(service.serves_again());
}

TEST_CASE("how a worker died is known even if its fork server was stopped, or dies before it has told") {
    for (const bool killed : {false, true}) {
        CAPTURE(killed);
        // Needs no other worker: that the fork server does not answer is not seen by that.
        Service service("faulty", {{"supervision", {{"policy", "temporary"}}}});
        const Family family = await_family_of(::getpid());
        ::kill(family.fork_server, SIGSTOP);
        auto lost = std::async(std::launch::async, [&] { return summary(service.plugin().call("segfault", "")); });
        if (killed) {
            REQUIRE(eventually([&] { return status_of(family.others.front()).state == 'Z'; }));
            ::kill(family.fork_server, SIGKILL);
        }
        REQUIRE(service.deaths().await_count(1));
        const Report report = service.deaths().all().front();
        CHECK(report.cause == Cause::crash);
        CHECK(report.signal == SIGSEGV);
        CHECK((killed || report.peak_resident_bytes > 0));  // what only an exit status can tell
        CHECK(report.running_method == "segfault");
        CHECK(lost.get() == "crashed/unknown");
    }
}

TEST_CASE("a guard that is stopped before it has made its fork server is made to go on") {
    const Service service;
    for (int round = 0; round < scaled(5); ++round) {
        const pid_t former = await_family_of(::getpid()).guard;
        REQUIRE(::kill(former, SIGKILL) == 0);
        REQUIRE(eventually([former] {
            const auto children = children_of(::getpid());
            return std::any_of(children.begin(), children.end(), [former](const ProcessStatus& child) {
                return child.pid != former && ::kill(child.pid, SIGSTOP) == 0;
            });
        }));
        CHECK(service.serves_again());
    }
}

TEST_CASE("a fork server or a guard that somebody stopped is made to go on") {
    Witness witness;
    const auto note = [&witness] { return summary(witness.plugin().call("note", "x")); };
    REQUIRE(note() == "ok: x");
    for (int round = 0; round < scaled(4); ++round) {
        const bool stop_guard = round % 2 == 0;
        const Family family = await_family_of(::getpid());
        REQUIRE(family.others.size() == 1);
        ::kill(stop_guard ? family.guard : family.fork_server, SIGSTOP);
        ::kill(family.blank, SIGKILL);
        ::kill(stop_guard ? family.fork_server : family.others.front(), SIGKILL);
        REQUIRE(await_gone(family.others.front()));
        CHECK(eventually([&note] { return note() == "ok: x"; }));
    }
}

}  // namespace
}  // namespace bulkhead::tests
