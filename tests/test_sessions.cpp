// A session's calls reach the worker that holds its handles, or none.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <bulkhead/host/session.hpp>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <bulkhead/transport/layout.hpp>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

CallOptions patient() {
    CallOptions options;
    options.timeout = kPatience;
    return options;
}

TEST_CASE("after the death of its worker a session is lost, says why, and harms nobody else") {
    Service service;
    const Session session = service.plugin().session();
    REQUIRE(summary(session.call("count", "")) == "ok: 1");
    REQUIRE(summary(session.call("count", "")) == "ok: 2");
    CHECK_FALSE(session.lost());
    CHECK(summary(service.plugin().call("segfault", "")) == "crashed/unknown");

    const auto outcome = session.call("count", "");
    CHECK(summary(outcome) == "session_lost/none");
    CHECK(sentence(outcome) ==
          "plugin faulty: call 'count' was not made: the worker of its session crashed with SIGSEGV (11) while running "
          "'segfault'; open a new session");
    REQUIRE(outcome.error().report != nullptr);
    CHECK(outcome.error().report->cause == Cause::crash);
    CHECK(session.lost());
    const Session copy = session;  // NOLINT(performance-unnecessary-copy-initialization): it is what is tested
    CHECK(summary(copy.call("count", "")) == "session_lost/none");
    CHECK(copy.lost());

    CHECK(summary(service.plugin().call("echo", "others")) == "ok: others");
    const Session next = service.plugin().session();
    CHECK(summary(next.call("count", "")) == "ok: 1");
    CHECK_FALSE(next.lost());
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("the call that kills the worker of its own session has crashed, and only what follows is lost") {
    Service service;
    const Session session = service.plugin().session();
    REQUIRE(summary(session.call("count", "")) == "ok: 1");
    CHECK(summary(session.call("segfault", "")) == "crashed/unknown");
    CHECK(summary(session.call("count", "")) == "session_lost/none");
}

TEST_CASE("a session without a reply has no handles, and goes on after a death") {
    Service service;
    const Session session = service.plugin().session();
    CHECK(summary(session.call("fail", "7 no handle")) == "plugin_failed/unknown");
    CHECK(summary(session.call("segfault", "")) == "crashed/unknown");
    CHECK_FALSE(session.lost());
    CHECK(summary(session.call("count", "")) == "ok: 1");
}

TEST_CASE("a call of a session that had not begun when the worker died never runs in the next one") {
    Witness witness;
    const Session session = witness.plugin().session();
    REQUIRE(summary(session.call("note", "open")) == "ok: open");
    const pid_t pid = witness.service().worker();
    Held held(witness);
    auto of_session = session.async_call("note", "of the session", patient(), boost::asio::use_future);
    auto of_nobody = witness.plugin().async_call("note", "of nobody", patient(), boost::asio::use_future);
    REQUIRE(::kill(pid, SIGKILL) == 0);

    CHECK(summary(of_session.get()) == "session_lost/none");
    CHECK(summary(of_nobody.get()) == "ok: of nobody");
    CHECK(held.outcome() == "crashed/unknown");
    CHECK(witness.journal() == std::vector<std::string>{"open", "hold", "of nobody"});
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("that it never ran is known even if the next worker has long passed it") {
    Witness witness(merged(kEndlessRestarts, {{"supervision", {{"standby", 1}}}}));
    const Session session = witness.plugin().session();
    REQUIRE(summary(session.call("note", "open")) == "ok: open");
    REQUIRE(eventually([&] { return witness.plugin().status().standby_ready; }));
    const pid_t worker = witness.service().worker();
    const Family family = await_family_of(::getpid());
    Held held(witness);
    auto of_session = session.async_call("note", "of the session", patient(), boost::asio::use_future);
    auto of_nobody = witness.plugin().async_call("note", "of nobody", patient(), boost::asio::use_future);
    REQUIRE(::kill(family.fork_server, SIGSTOP) == 0);  // it has the exit status that decides what is lost
    REQUIRE(::kill(worker, SIGKILL) == 0);

    CHECK(summary(of_nobody.get()) == "ok: of nobody");
    REQUIRE(::kill(family.fork_server, SIGCONT) == 0);
    CHECK(summary(of_session.get()) == "session_lost/none");
    CHECK(held.outcome() == "crashed/unknown");
}

TEST_CASE("an idempotent call that had begun is not repeated without its session's handles") {
    Service service;
    const ScratchFolder scratch;
    const std::string path = scratch.path() / "crash once";
    const auto arm = [&path] { return std::ofstream(path).good(); };
    const Session session = service.plugin().session();
    REQUIRE(arm());
    CHECK(summary(session.call("segfault_idempotent", path)) == "ok: survived");  // no handles yet
    REQUIRE(arm());
    CHECK(summary(session.call("segfault_idempotent", path)) == "crashed/unknown");
    CHECK(summary(session.call("segfault_idempotent", path)) == "session_lost/none");
}

TEST_CASE("a caller that waits for room in a session learns that it is lost") {
    Witness witness({{"limits", {{"in_flight", 1}}}, {"supervision", {{"restarts", 1000}}}});
    const Session session = witness.plugin().session();
    REQUIRE(summary(session.call("note", "open")) == "ok: open");
    const pid_t pid = witness.service().worker();
    Held held(witness);
    CallOptions options = patient();
    options.when_full = WhenFull::wait;
    auto asynchronous = session.async_call("note", "waits", options, boost::asio::use_future);
    std::string outcome;
    std::thread caller([&] { outcome = summary(session.call("note", "waits", options)); });
    REQUIRE(eventually([&] { return witness.plugin().stats().in_flight == 3; }));
    REQUIRE(::kill(pid, SIGKILL) == 0);
    caller.join();
    CHECK(outcome == "session_lost/none");
    CHECK(summary(asynchronous.get()) == "session_lost/none");
    CHECK(held.outcome() == "crashed/unknown");
    CHECK(witness.journal() == std::vector<std::string>{"open", "hold"});
}

TEST_CASE("sessions speak JSON as plugins do, and end with the host as stopped") {
    Service service;
    const Session session = service.plugin().session();
    const auto reply = session.call_json("echo", {{"n", 1}});
    REQUIRE(reply.has_value());
    CHECK(*reply == nlohmann::json{{"n", 1}});
    CHECK(session.plugin().name() == "faulty");
    service.end_host();
    CHECK(summary(session.call("echo", "")) == "stopped/none");
}

// A server that works in short sessions while workers are killed.
TEST_CASE("no reply of a session ever comes from another worker, whenever workers die") {
    Service service;
    std::atomic<bool> stop{false};
    std::atomic<long> strangers{0};
    std::atomic<long> unexpected{0};
    std::atomic<long> lost{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] {
            while (!stop) {
                const Session session = service.plugin().session();
                std::string worker;
                for (int turn = 0; turn < 20; ++turn) {
                    const auto outcome = session.call("pid", "", patient());
                    if (outcome) {
                        const std::string pid(outcome->text());
                        strangers += !worker.empty() && worker != pid ? 1 : 0;
                        worker = pid;
                    } else if (outcome.error().code == ErrorCode::session_lost) {
                        ++(worker.empty() ? unexpected : lost);
                        break;
                    } else {
                        unexpected += outcome.error().code == ErrorCode::crashed ? 0 : 1;
                    }
                }
            }
        });
    }
    for (int kill = 0; kill < scaled(100); ++kill) {
        if (const auto pid = service.plugin().call("pid", "", patient())) {
            ::kill(std::stoi(std::string(pid->text())), SIGKILL);
        }
    }
    CHECK(service.serves_again());
    stop = true;
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(strangers == 0);
    CHECK(unexpected == 0);
    MESSAGE(lost.load() << " calls met a lost session");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a dying worker's reply does not count when the session's next call is with another worker") {
    Service service("holder", merged(kEndlessRestarts, {{"supervision", {{"standby", 1}}}}));
    int late = 0;
    for (int round = 0; round < scaled(100); ++round) {
        REQUIRE(eventually([&] { return service.plugin().status().standby_ready; }));
        const Session session = service.plugin().session();
        auto first = session.async_call("answer_late", std::to_string(round % 10), {}, boost::asio::use_future);
        const std::string second = summary(session.call("process", "", patient()));
        const std::string outcome = summary(first.get());
        if (outcome.starts_with("ok")) {
            ++late;
            // The crash itself may come a little later, or the successor may have begun the second call.
            const auto is_of_same = [&](const std::string& other) {
                return other == outcome || other.starts_with("session_lost") || other == "crashed/unknown";
            };
            CHECK_MESSAGE(is_of_same(second), second);
            const std::string third = summary(session.call("process", "", patient()));
            CHECK_MESSAGE(is_of_same(third), third);
        } else {
            CHECK(outcome == "crashed/unknown");
            REQUIRE(second.starts_with("ok"));
            CHECK(summary(session.call("process", "", patient())) == second);
        }
    }
    MESSAGE(late << " late replies counted");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a worker that hands over answers its sessions, and what comes later does not reach its successor") {
    Witness witness(merged(kEndlessRestarts, {{"supervision", {{"standby", 1}}}}));
    const Plugin& plugin = witness.plugin();
    int lost = 0;
    for (int round = 0; round < scaled(30); ++round) {
        REQUIRE(eventually([&] { return plugin.status().standby_ready; }));
        const Session session = plugin.session();
        const std::string gate = witness.make_gate();
        // Nobody blocks, so that the end of the handover may be seen before the answer.
        auto first = session.async_call("hold", gate, {}, boost::asio::use_future);
        const int held = ::open(gate.c_str(), O_WRONLY | O_CLOEXEC);  // it has begun
        auto restarted = std::async(std::launch::async, [&] { return plugin.restart().has_value(); });
        std::vector<std::future<result<Bytes>>> later;
        for (int call = 0; call < 30; ++call) {  // before the handover begins, and after it
            later.push_back(session.async_call("note", "later", {}, boost::asio::use_future));
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
        ::close(held);
        CHECK(summary(first.get()).starts_with("ok"));
        CHECK(restarted.get());
        for (auto& one : later) {
            const std::string outcome = summary(one.get());
            CHECK_MESSAGE((outcome.starts_with("ok") || outcome == "session_lost/none"), outcome);
            lost += outcome == "session_lost/none" ? 1 : 0;
        }
    }
    MESSAGE(lost << " came after a handover had begun");
    CHECK(plugin.stats().deaths == 0);
}

TEST_CASE("a call is not tried again when its session got its handles from another worker, which is gone") {
    const ScratchFolder scratch;
    Service service("keeper", merged(kEndlessRestarts, {{"methods", {{"stay_open", {{"idempotent", true}}}}},
                                                        {"supervision", {{"standby", 1}}}}));
    REQUIRE(eventually([&] { return service.plugin().status().standby_ready; }));
    const pid_t first = service.worker();
    CallOptions endless;
    endless.timeout = CallOptions::kNoTimeout;
    const Session session = service.plugin().session();
    auto begun = session.async_call("stay_open", "", endless, boost::asio::use_future);
    const std::string request = std::to_string(offsetof(transport::WorkerOutboxHeader, crashing)) + " " +
                                std::to_string(offsetof(transport::WorkerOutboxHeader, bell)) + " " +
                                std::string(scratch.path() / "never");
    auto crashing = service.plugin().async_call("add_as_if_crashing", request, {}, boost::asio::use_future);
    REQUIRE(summary(session.call("get", "")) == "ok: 0");  // in its successor
    CHECK(summary(service.plugin().call("die", "")) == "crashed/unknown");
    REQUIRE(service.deaths().await_count(1));
    ::kill(first, SIGKILL);  // it may be gone: such a crash is not waited for long
    REQUIRE(begun.wait_for(kPatience) == std::future_status::ready);
    CHECK(summary(begun.get()) == "crashed/unknown");
    CHECK(summary(crashing.get()) == "crashed/unknown");
}

}  // namespace
}  // namespace bulkhead::tests
