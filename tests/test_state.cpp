// State that outlives its worker.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_future.hpp>
#include <bulkhead/transport/layout.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
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

// The plugin that counts, with changes to its manifest on top of endless restarts.
Service keeper(const nlohmann::json& changes = nlohmann::json::object()) {
    return Service("keeper", merged(kEndlessRestarts, changes));
}

std::string call(const Service& service, const char* method, std::string_view request = "") {
    return summary(service.plugin().call(method, request));
}

TEST_CASE("what an answer said is there after the worker's death") {
    Service service = keeper();
    for (int turn = 1; turn <= scaled(50); ++turn) {
        const std::string expected = "ok: " + std::to_string(turn);
        REQUIRE(call(service, "add", "1") == expected);
        CHECK(call(service, turn % 2 == 0 ? "die" : "crash") == "crashed/unknown");
        REQUIRE(call(service, "get") == expected);
    }
}

TEST_CASE("a change whose answer never left is not there, and its caller is told that it may be") {
    Service service = keeper();
    REQUIRE(call(service, "add", "5") == "ok: 5");
    CHECK(call(service, "add_and_die", "100") == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 5");
}

TEST_CASE("what an answer said is there though its worker wrecks all that it told the host") {
    Service service = keeper();
    for (int turn = 1; turn <= scaled(20); ++turn) {
        const std::string expected = "ok: " + std::to_string(turn);
        REQUIRE(call(service, "add", "1") == expected);
        CHECK(service.plugin().call("wreck", "").has_error());
        REQUIRE(call(service, "get") == expected);
    }
}

TEST_CASE("answers of other threads wait for a checkpoint too") {
    Service service = keeper();
    for (int turn = 1; turn <= scaled(30); ++turn) {
        REQUIRE(call(service, "add_later", "1") == "ok: " + std::to_string(turn));
        CHECK(call(service, "die") == "crashed/unknown");
    }
    CHECK(call(service, "get") == "ok: " + std::to_string(scaled(30)));
}

TEST_CASE("what a crashing worker answers after its successor began is no answer: the change would be forgotten") {
    const ScratchFolder scratch;
    const std::string answer_now = scratch.path() / "answer_now";
    Service service = keeper({{"supervision", {{"standby", 1}}}});
    REQUIRE(call(service, "add", "1") == "ok: 1");
    REQUIRE(eventually([&] { return service.plugin().status().standby_ready; }));
    const std::string request = std::to_string(offsetof(transport::WorkerOutboxHeader, crashing)) + " " +
                                std::to_string(offsetof(transport::WorkerOutboxHeader, bell)) + " " + answer_now;
    auto late = service.plugin().async_call("add_as_if_crashing", request, {}, boost::asio::use_future);
    CHECK(call(service, "add", "1") == "ok: 2");  // in its successor
    std::ofstream(answer_now).put('.');
    CHECK(summary(late.get()) == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 2");
}

TEST_CASE("no acknowledged increment of several callers is lost through random kills, with and without standby") {
    for (const int standby : {0, 1}) {
        CAPTURE(standby);
        Service service = keeper({{"supervision", {{"standby", standby}}}});
        std::atomic<bool> stop{false};
        std::atomic<long long> acknowledged{0};
        std::atomic<long long> uncertain{0};
        std::vector<std::thread> callers;
        for (const char* method : {"add", "add", "add_later"}) {
            callers.emplace_back([&, method] {
                while (!stop) {
                    const auto outcome = service.plugin().call(method, "1");
                    if (outcome) {
                        ++acknowledged;
                    } else if (outcome.error().effect != Effect::none) {
                        ++uncertain;
                    }
                }
            });
        }
        for (int kill = 0; kill < scaled(200); ++kill) {
            const auto pid = service.plugin().call("pid", "");
            if (pid) {
                ::kill(std::stoi(std::string(pid->text())), SIGKILL);
            }
        }
        stop = true;
        for (std::thread& caller : callers) {
            caller.join();
        }
        const auto count = service.plugin().call("get", "");
        REQUIRE_MESSAGE(count.has_value(), sentence(count));
        const long long counted = std::stoll(std::string(count->text()));
        CHECK(counted >= acknowledged);
        CHECK(counted <= acknowledged + uncertain);
        CHECK(acknowledged > 0);
        CHECK(unaccounted(service.plugin().stats()) == "");
    }
}

TEST_CASE("with a checkpoint every three calls at most the last two are forgotten") {
    Service service = keeper({{"state", {{"every_calls", 3}}}});
    for (int turn = 1; turn <= 5; ++turn) {
        REQUIRE(call(service, "add", "1") == "ok: " + std::to_string(turn));
    }
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 3");
}

TEST_CASE("a checkpoint is taken when the plugin asks for one, and otherwise not") {
    Service service = keeper({{"state", {{"every_calls", 0}}}});
    REQUIRE(call(service, "add", "1") == "ok: 1");
    CHECK(call(service, "die") == "crashed/unknown");
    REQUIRE(call(service, "add", "2") == "ok: 2");
    REQUIRE(call(service, "checkpoint") == "ok: 0");
    REQUIRE(call(service, "add", "40") == "ok: 42");  // runs after the checkpoint that was asked for
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 2");
}

TEST_CASE("a checkpoint waits until no method runs, whichever thread asks for it, and however many calls are open") {
    Service service = keeper({{"state", {{"every_calls", 0}}}});
    std::atomic<bool> stop{false};
    std::vector<std::thread> callers;
    for (const char* method : {"add", "add_later"}) {
        callers.emplace_back([&, method] {
            while (!stop) {
                CHECK(service.plugin().call(method, "1").has_value());
            }
        });
    }
    for (int turn = 0; turn < scaled(20); ++turn) {
        CHECK(call(service, "checkpoint_aside", "5") == "ok: 0");
        CHECK(eventually([&, before = turn] { return std::stoi(call(service, "saves").substr(4)) > before; }));
    }
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(service.log().texts(LogSource::plugin).empty());  // each save was content with its moment
}

TEST_CASE("a checkpoint is taken when its time has come, once for many calls") {
    Service service = keeper({{"state", {{"every_calls", 0}, {"every_ms", 1}}}});
    REQUIRE(call(service, "add", "7") == "ok: 7");
    CHECK(eventually([&] {
        static_cast<void>(call(service, "die"));
        const std::string count = call(service, "get");
        return count == "ok: 7" || call(service, "add", "7") != "ok: 7";
    }));
    Service slow = keeper({{"state", {{"every_calls", 0}, {"every_ms", 50}}}});
    constexpr int kCalls = 1000;
    for (int turn = 0; turn < kCalls; ++turn) {
        REQUIRE(slow.plugin().call("add", "1").has_value());
    }
    const auto saves = [&] { return std::stoi(call(slow, "saves").substr(4)); };
    CHECK(eventually([&] { return saves() > 0; }));
    CHECK(saves() < kCalls / 2);
}

TEST_CASE("a call that is open at a checkpoint is not said to be in it, though a cancelled one was skipped before") {
    const ScratchFolder scratch;
    const std::string go = scratch.path() / "go";
    const std::string file = scratch.path() / "state";
    Service service = keeper({{"state", {{"every_calls", 0}, {"every_ms", 100}, {"path", file}}}});
    // All that follows is there when the first one ends, so it is dealt with long before the time of the checkpoint.
    auto first = service.plugin().async_call("wait_for", go, {}, boost::asio::use_future);
    auto open = service.plugin().async_call("stay_open", "", {}, boost::asio::use_future);
    auto answered = service.plugin().async_call("add", "1", {}, boost::asio::use_future);
    boost::asio::cancellation_signal cancel;
    Collector<std::string> outcomes;
    service.plugin().async_call(
        "add", "10", {}, boost::asio::bind_cancellation_slot(cancel.slot(), [outcomes](const result<Bytes>& outcome) {
            outcomes.add(summary(outcome));
        }));
    cancel.emit(boost::asio::cancellation_type::terminal);
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "cancelled/none");
    std::ofstream(go).put('.');
    CHECK(summary(first.get()) == "ok: 0");
    CHECK(summary(answered.get()) == "ok: 1");
    REQUIRE(eventually([&] { return std::filesystem::exists(file); }));
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(summary(open.get()) == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 1");
}

TEST_CASE("a state over the limit fails the call that made it, and the former one stays") {
    Service service = keeper({{"state", {{"limit", 4096}}}});
    REQUIRE(call(service, "add", "1") == "ok: 1");
    const auto outcome = service.plugin().call("pad", "5000");
    CHECK(summary(outcome) == "plugin_failed/unknown");
    CHECK(contains(sentence(outcome), "state could not be saved"));
    CHECK(service.log().await_line("its state could not be saved: its save function failed with number 0"));
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 1");
}

TEST_CASE("a plugin that cannot save fails its calls and says why") {
    Service service = keeper({{"config", {{"fault", "fail_save"}}}});
    CHECK(summary(service.plugin().call("add", "1")) == "plugin_failed/unknown");
    CHECK(service.log().await_line(
        "its state could not be saved: its save function failed with number 0: it does not want to"));
}

TEST_CASE("a state that load refuses, or that crashes it twice, is put aside and the plugin starts clean") {
    for (const char* fault : {"refuse_load", "crash_in_load", "grow_in_load"}) {
        CAPTURE(fault);
        Service service = keeper({{"config", {{"fault", fault}}}, {"limits", {{"file_size", 1 << 20}}}});
        REQUIRE(call(service, "add", "9") == "ok: 9");
        CHECK(call(service, "die") == "crashed/unknown");
        CHECK(call(service, "get") == "ok: 0");
        CHECK(call(service, "add", "1") == "ok: 1");
        const std::size_t deaths = fault == std::string("refuse_load") ? 2 : 3;
        CHECK(service.deaths().await_count(deaths));
        CHECK(service.plugin().stats().deaths == deaths);
        CHECK(service.log().await([](const std::vector<LogLine>& lines) {
            return std::any_of(lines.begin(), lines.end(),
                               [](const LogLine& line) { return contains(line.text, "its state is dropped, "); });
        }));
    }
}

TEST_CASE("a plugin has its time to start twice: until it is ready, and until it serves") {
    Service service =
        keeper({{"config", {{"create_ms", 700}, {"load_ms", 700}}}, {"supervision", {{"start_ms", 1000}}}});
    REQUIRE(call(service, "add", "9") == "ok: 9");
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(call(service, "get") == "ok: 9");
    CHECK(service.plugin().stats().deaths == 1);
}

TEST_CASE("whoever kills a worker while it loads its state does not cost it the state") {
    Service service = keeper({{"config", {{"load_ms", 500}}}});
    REQUIRE(call(service, "add", "9") == "ok: 9");
    std::ptrdiff_t kills = 0;
    for (const int signal : {SIGKILL, SIGSEGV, SIGKILL, SIGKILL}) {
        const std::vector<pid_t> workers = family_of(::getpid()).others;
        REQUIRE(workers.size() == 1);
        REQUIRE(::kill(workers.front(), signal) == 0);
        ++kills;
        REQUIRE(service.log().await([kills](const std::vector<LogLine>& lines) {
            return std::count_if(lines.begin(), lines.end(),
                                 [](const LogLine& line) { return line.text == "it loads"; }) == kills;
        }));
        REQUIRE(await_gone(workers.front()));
    }
    CHECK(call(service, "get") == "ok: 9");
}

TEST_CASE("a plugin that crashed once while it loaded its state, and then cannot be created, is given up") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    Service service = keeper({{"config", {{"fault", "crash_in_load"}}},
                              {"environment", {{"KEEPER_TRAP", trap}}},
                              {"supervision", {{"start_attempts", 2}}}});
    REQUIRE(call(service, "add", "9") == "ok: 9");
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(eventually([&] { return service.plugin().status().state == PluginState::fatal; }));
    CHECK(contains(sentence(service.plugin().call("get", "")), "it failed to start 3 times in a row"));
    CHECK(service.plugin().stats().deaths == 5);
}

TEST_CASE("a refused state keeps the plugin down when the manifest says so") {
    Service service = keeper({{"config", {{"fault", "refuse_load"}}}, {"state", {{"when_refused", "down"}}}});
    REQUIRE(call(service, "add", "9") == "ok: 9");
    CHECK(call(service, "die") == "crashed/unknown");
    CHECK(eventually([&] { return service.plugin().status().state == PluginState::fatal; }));
    const auto outcome = service.plugin().call("get", "");
    CHECK(summary(outcome) == "unavailable/none");
    CHECK(contains(sentence(outcome), "its state could not be loaded"));
    CHECK(contains(sentence(outcome), "not to its taste"));
}

TEST_CASE("stopping and starting keeps the state, whatever the rule for checkpoints") {
    for (const int every : {0, 1}) {
        Service service = keeper({{"state", {{"every_calls", every}}}});
        REQUIRE(call(service, "add", "3") == "ok: 3");
        REQUIRE(service.plugin().stop().has_value());
        CHECK(call(service, "get") == "stopped/none");
        REQUIRE(service.plugin().start().has_value());
        CHECK(call(service, "get") == "ok: 3");
    }
}

TEST_CASE("a worker that loads its state for longer than an expired call may be overdue does not hang") {
    Service service = keeper({{"config", {{"load_ms", 500}}}, {"supervision", {{"hang_grace_ms", 50}}}});
    REQUIRE(call(service, "add", "9") == "ok: 9");
    CHECK(call(service, "die") == "crashed/unknown");
    CallOptions brief;
    brief.timeout = std::chrono::milliseconds(50);
    CHECK(summary(service.plugin().call("get", "", brief)) == "timed_out/none");
    CHECK(call(service, "get") == "ok: 9");
    CHECK(service.plugin().stats().deaths == 1);
}

}  // namespace
}  // namespace bulkhead::tests
