// A caller may give up: synchronously with a stop_token, asynchronously with the token's cancellation slot.
#include <doctest/doctest.h>
#include <signal.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <future>
#include <stop_token>
#include <string>
#include <thread>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("a synchronous call that has begun ends as cancelled when its token says so, with an unknown effect") {
    Witness witness;
    Held held(witness);  // so that the next one is certainly under way when it is cancelled
    std::stop_source stop;
    CallOptions options;
    options.stop = stop.get_token();
    std::string outcome;
    std::thread caller([&] { outcome = summary(witness.plugin().call("note", "unwanted", options)); });
    REQUIRE(eventually([&] { return witness.plugin().stats().in_flight == 2; }));
    stop.request_stop();
    caller.join();
    CHECK(outcome == "cancelled/none");
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(summary(witness.plugin().call("note", "wanted")) == "ok: wanted");
    CHECK(witness.journal() == std::vector<std::string>{"hold", "wanted"});
}

TEST_CASE("a call whose token was stopped before does not begin") {
    Witness witness;
    std::stop_source stop;
    stop.request_stop();
    CallOptions options;
    options.stop = stop.get_token();
    for (int turn = 0; turn < scaled(2000); ++turn) {
        REQUIRE(summary(witness.plugin().call("note", "unwanted", options)) == "cancelled/none");
    }
    CHECK(witness.journal().empty());
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("a begun call that is cancelled can notice it in the plugin and give up") {
    Service service;
    std::stop_source stop;
    CallOptions options;
    options.stop = stop.get_token();
    std::string outcome;
    std::thread caller([&] { outcome = summary(service.plugin().call("hang_cancellable", "", options)); });
    // A second call shows by its own fate that the first has begun: it stays in flight behind it.
    REQUIRE(eventually([&] { return service.plugin().stats().in_flight == 1; }));
    CallOptions brief;
    brief.timeout = 50ms;
    CHECK(summary(service.plugin().call("echo", "behind", brief)) == "timed_out/none");
    stop.request_stop();
    caller.join();
    CHECK(outcome == "cancelled/unknown");
    CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("an asynchronous call ends as cancelled through its slot") {
    Witness witness;
    Held held(witness);
    asio::cancellation_signal signal;
    Collector<std::string> outcomes;
    witness.plugin().async_call("note", "unwanted", {},
                                asio::bind_cancellation_slot(signal.slot(), [outcomes](const result<Bytes>& outcome) {
                                    outcomes.add(summary(outcome));
                                }));
    signal.emit(asio::cancellation_type::terminal);
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "cancelled/none");
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(summary(witness.plugin().call("note", "wanted")) == "ok: wanted");
    CHECK(witness.journal() == std::vector<std::string>{"hold", "wanted"});
}

TEST_CASE("cancelling races with the reply, and exactly one of them is the outcome") {
    Service service;
    int cancelled = 0;
    for (int turn = 0; turn < scaled(2000); ++turn) {
        std::stop_source stop;
        CallOptions options;
        options.stop = stop.get_token();
        // A call that was cancelled keeps its room until the worker has let go of it, and that may not get a core.
        options.when_full = WhenFull::wait;
        std::thread canceller([&stop, turn] {
            const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(turn % 40);
            while (std::chrono::steady_clock::now() < until) {
            }
            stop.request_stop();
        });
        const auto outcome = service.plugin().call("echo", "x", options);
        canceller.join();
        if (outcome) {
            CHECK(outcome->text() == "x");
        } else {
            ++cancelled;
            CHECK(outcome.error().code == ErrorCode::cancelled);
        }
    }
    MESSAGE(cancelled << " cancelled in time");
    const Stats stats = service.plugin().stats();
    CHECK(stats.failed(ErrorCode::cancelled) == static_cast<std::uint64_t>(cancelled));
    CHECK(unaccounted(stats) == "");
    CHECK(stats.deaths == 0);
}

// Of a call that is cancelled when it is under way, or waits for room.
std::string outcome_of_cancelled(const Plugin& plugin, CallOptions options) {
    std::stop_source stop;
    options.stop = stop.get_token();
    auto outcome = std::async(std::launch::async, [&] { return summary(plugin.call("echo", "x", options)); });
    CHECK(eventually([&] { return plugin.stats().in_flight == 1; }));
    stop.request_stop();
    return outcome.get();
}

TEST_CASE("cancelled calls of a worker that does not run take room, which it gives back when it runs again") {
    constexpr int kRoom = 8;
    Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"in_flight", kRoom}}}}));
    const pid_t worker = service.worker();
    REQUIRE(::kill(worker, SIGSTOP) == 0);
    REQUIRE(eventually([worker] { return status_of(worker).state == 'T'; }));
    CallOptions options;
    for (int call = 0; call < kRoom; ++call) {
        CHECK(outcome_of_cancelled(service.plugin(), options) == "cancelled/none");
    }
    CHECK(summary(service.plugin().call("echo", "x", options)) == "overloaded/none");
    options.when_full = WhenFull::wait;
    CHECK(outcome_of_cancelled(service.plugin(), options) == "cancelled/none");
    REQUIRE(::kill(worker, SIGCONT) == 0);
    CHECK(summary(service.plugin().call("echo", "x", options)) == "ok: x");
    CHECK(service.plugin().stats().deaths == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("cancelling when all is over does nothing") {
    Service service;
    std::stop_source stop;
    CallOptions options;
    options.stop = stop.get_token();
    CHECK(summary(service.plugin().call("echo", "x", options)) == "ok: x");
    stop.request_stop();
    CHECK(summary(service.plugin().call("echo", "y")) == "ok: y");
    CHECK(service.plugin().stats().failed(ErrorCode::cancelled) == 0);
}

}  // namespace
}  // namespace bulkhead::tests
