// A full plugin says so at once, or lets callers wait until their deadline.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

nlohmann::json with_limits(const nlohmann::json& limits) { return merged(kEndlessRestarts, {{"limits", limits}}); }

// Fills a plugin with calls that come after a held one.
struct Queue {
    Queue(Witness& witness, int count, std::size_t size) {
        for (int call = 0; call < count; ++call) {
            witness.plugin().async_call("note", std::string(size, 'q'), {}, [this](const result<Bytes>& outcome) {
                outcomes.add(outcome ? "ok" : summary(outcome));
            });
        }
    }
    Collector<std::string> outcomes;
};

TEST_CASE("more calls than the manifest allows are overloaded at once") {
    Witness witness(with_limits({{"in_flight", 4}}));
    Held held(witness);
    const Queue queue(witness, 3, 10);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = witness.plugin().call("note", "one too many");
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    CHECK(summary(outcome) == "overloaded/none");
    CHECK(contains(sentence(outcome), "plugin witness: call 'note'"));
    CHECK(contains(sentence(outcome), "limits.in_flight 4"));
    Collector<std::string> refused;
    witness.plugin().async_call("note", "two too many", {},
                                [refused](const result<Bytes>& late) { refused.add(summary(late)); });
    REQUIRE(refused.await_count(1));
    CHECK(refused.all().front() == "overloaded/none");
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    REQUIRE(queue.outcomes.await_count(3));
    CHECK(queue.outcomes.all() == std::vector<std::string>(3, "ok"));
    CHECK(summary(witness.plugin().call("note", "room again")) == "ok: room again");
    CHECK(unaccounted(witness.plugin().stats()) == "");
    CHECK(witness.plugin().stats().failed(ErrorCode::overloaded) == 2);
}

TEST_CASE("more bytes than the manifest allows are overloaded at once, and small calls still get in") {
    constexpr std::size_t kPayload = 100'000;
    Witness witness(with_limits({{"payload", kPayload}, {"in_flight_bytes", 3 * kPayload}}));
    Held held(witness);
    const Queue queue(witness, 3, kPayload);
    const auto outcome = witness.plugin().call("note", std::string(kPayload, 'x'));
    CHECK(summary(outcome) == "overloaded/none");
    CHECK(contains(sentence(outcome), "limits.in_flight_bytes"));
    Collector<std::string> small;
    witness.plugin().async_call("note", "small", {}, [small](const result<Bytes>& late) { small.add(summary(late)); });
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    REQUIRE(queue.outcomes.await_count(3));
    CHECK(queue.outcomes.all() == std::vector<std::string>(3, "ok"));
    REQUIRE(small.await_count(1));
    CHECK(small.all().front() == "ok: small");
    CHECK(witness.plugin().call("note", std::string(kPayload, 'x')).has_value());
}

TEST_CASE("a caller that is willing to wait gets in when there is room") {
    Witness witness(with_limits({{"in_flight", 1}}));
    Held held(witness);
    CallOptions patient;
    patient.when_full = WhenFull::wait;
    std::vector<std::string> outcomes(4);
    std::vector<std::thread> callers;
    for (std::size_t caller = 0; caller < outcomes.size(); ++caller) {
        callers.emplace_back([&, caller] { outcomes[caller] = summary(witness.plugin().call("note", "x", patient)); });
    }
    REQUIRE(eventually([&] { return witness.plugin().stats().calls == 5; }));
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(outcomes == std::vector<std::string>(4, "ok: x"));
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("a caller that waits for room gives up at its deadline, or when it is told to") {
    Witness witness(with_limits({{"in_flight", 1}}));
    Held held(witness);
    CallOptions patient;
    patient.when_full = WhenFull::wait;
    patient.timeout = 50ms;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(summary(witness.plugin().call("note", "x", patient)) == "overloaded/none");
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);

    std::stop_source stop;
    patient.timeout = CallOptions::kNoTimeout;
    patient.stop = stop.get_token();
    std::string outcome;
    std::thread caller([&] { outcome = summary(witness.plugin().call("note", "x", patient)); });
    REQUIRE(eventually([&] { return witness.plugin().stats().calls == 3; }));
    stop.request_stop();
    caller.join();
    CHECK(outcome == "cancelled/none");
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(witness.journal() == std::vector<std::string>{"hold"});
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

// Outcomes of asynchronous calls that are willing to wait.
struct PatientCalls {
    explicit PatientCalls(const Witness& witness) : plugin(witness.plugin()) { options.when_full = WhenFull::wait; }

    void start(const std::string& request) {
        plugin.async_call("note", request, options,
                          [kept = outcomes](const result<Bytes>& outcome) { kept.add(summary(outcome)); });
    }

    Plugin plugin;
    CallOptions options;
    Collector<std::string> outcomes;
};

TEST_CASE("asynchronous calls may be willing to wait too: their thread does not, and they run in their order") {
    Witness witness(with_limits({{"in_flight", 2}}));
    Held held(witness);
    PatientCalls calls(witness);
    const auto begin = std::chrono::steady_clock::now();
    for (const char* request : {"a", "b", "c"}) {
        calls.start(request);
    }
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    CHECK(calls.outcomes.all().empty());
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    REQUIRE(calls.outcomes.await_count(3));
    CHECK(calls.outcomes.all() == std::vector<std::string>{"ok: a", "ok: b", "ok: c"});
    CHECK(witness.journal() == std::vector<std::string>{"hold", "a", "b", "c"});
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("asynchronous calls that wait for room end at their deadline, when cancelled, and with their host") {
    Witness witness(with_limits({{"in_flight", 1}}));
    Held held(witness);
    PatientCalls calls(witness);
    calls.options.timeout = 50ms;
    calls.start("late");
    REQUIRE(calls.outcomes.await_count(1));
    CHECK(calls.outcomes.all().back() == "overloaded/none");

    boost::asio::cancellation_signal signal;
    calls.options.timeout = CallOptions::kNoTimeout;
    witness.plugin().async_call(
        "note", "unwanted", calls.options,
        boost::asio::bind_cancellation_slot(
            signal.slot(), [kept = calls.outcomes](const result<Bytes>& outcome) { kept.add(summary(outcome)); }));
    signal.emit(boost::asio::cancellation_type::terminal);
    REQUIRE(calls.outcomes.await_count(2));
    CHECK(calls.outcomes.all().back() == "cancelled/none");

    calls.start("too late");
    witness.service().end_host();
    REQUIRE(calls.outcomes.await_count(3));
    CHECK(calls.outcomes.all().back() == "stopped/none");
    CHECK(held.outcome() == "stopped/unknown");
    CHECK(witness.journal() == std::vector<std::string>{"hold"});
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("no more asynchronous calls wait than the plugin would have in flight") {
    Witness witness(with_limits({{"in_flight", 2}}));
    Held held(witness);
    PatientCalls calls(witness);
    for (int call = 0; call < 10; ++call) {
        calls.start("x");
    }
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    REQUIRE(calls.outcomes.await_count(10));
    const auto all = calls.outcomes.all();
    CHECK(std::count(all.begin(), all.end(), "ok: x") == 3);
    CHECK(std::count(all.begin(), all.end(), "overloaded/none") == 7);
}

TEST_CASE("a call that ended for its caller keeps its place until the worker lets go of it") {
    Witness witness(with_limits({{"in_flight", 2}}));
    Held held(witness);
    CallOptions brief;
    brief.timeout = 20ms;
    CHECK(summary(witness.plugin().call("note", "x", brief)) == "timed_out/none");
    CHECK(summary(witness.plugin().call("note", "y", brief)) == "overloaded/none");
    held.let_go();
    CHECK(held.outcome() == "ok: let go");
    CHECK(eventually([&] { return summary(witness.plugin().call("note", "z")) == "ok: z"; }));
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
