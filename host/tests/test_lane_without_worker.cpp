#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/held_request.hpp"
#include "support/lane_without_worker.hpp"
#include "support/until.hpp"

namespace bulkhead {
namespace {

using namespace std::chrono_literals;
using testing::HeldRequest;
using testing::LaneWithoutWorker;
using transport::testing::look_until;

constexpr auto kPatience = 20s;

CallOptions within(std::chrono::nanoseconds timeout, WhenFull when_full = WhenFull::fail) {
    CallOptions options;
    options.timeout = timeout;
    options.when_full = when_full;
    return options;
}

const CallOptions kForEver = within(CallOptions::kNoTimeout);

// The error of a call that has its outcome, or gets it soon.
Error error_of(std::future<result<Bytes>>& call) {
    REQUIRE(call.wait_for(kPatience) == std::future_status::ready);
    const auto outcome = call.get();
    REQUIRE_FALSE(outcome.has_value());
    return outcome.error();
}

bool is_open(const std::future<result<Bytes>>& call) { return call.wait_for(0s) == std::future_status::timeout; }

void check(const Error& error, ErrorCode code, const std::string& part) {
    CHECK(error.code == code);
    CHECK(error.effect == Effect::none);
    CAPTURE(error.message);
    CHECK(error.message.find("plugin resizer") == 0);
    CHECK(error.message.find("'once'") != std::string::npos);
    CHECK(error.message.find(part) != std::string::npos);
}

TEST_CASE("a call that no worker takes ends at its deadline, and nothing happened to the plugin") {
    LaneWithoutWorker lane;
    const auto start = std::chrono::steady_clock::now();
    const auto outcome = lane.call("x", within(30ms));
    CHECK(std::chrono::steady_clock::now() - start >= 30ms);
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::timed_out, "deadline");
    auto asynchronous = lane.start("x", within(30ms));
    check(error_of(asynchronous), ErrorCode::timed_out, "deadline");
}

TEST_CASE("a deadline that has passed already is not waited for") {
    LaneWithoutWorker lane;
    for (const auto timeout : {0ns, -1ns, std::chrono::nanoseconds::min()}) {
        const auto outcome = lane.call("x", within(timeout));
        REQUIRE_FALSE(outcome.has_value());
        check(outcome.error(), ErrorCode::timed_out, "deadline");
    }
    CHECK(lane->stats().in_flight == 0);
}

TEST_CASE("asynchronous calls end in the order of their deadlines, not in that of their begin") {
    LaneWithoutWorker lane;
    auto late = lane.start("x", within(1h));
    auto soon = lane.start("x", within(20ms));
    check(error_of(soon), ErrorCode::timed_out, "deadline");
    CHECK(is_open(late));
}

TEST_CASE("an asynchronous call ends at its deadline though the timer fired while its request was copied") {
    LaneWithoutWorker lane;
    HeldRequest request;
    auto earlier = lane.start("x", within(20ms));
    std::thread holder([&] {
        check(error_of(earlier), ErrorCode::timed_out, "deadline");
        request.let_go();
    });
    auto later = lane.start(request.bytes(), within(40ms), nullptr);
    holder.join();
    check(error_of(later), ErrorCode::timed_out, "deadline");
}

TEST_CASE("many blocked callers each end at their own deadline") {
    LaneWithoutWorker lane(16);
    std::vector<std::thread> callers;
    std::atomic<int> right{0};
    for (int caller = 0; caller < 16; ++caller) {
        callers.emplace_back([&, caller] {
            const auto timeout = 10ms + caller * 5ms;
            const auto start = std::chrono::steady_clock::now();
            const auto outcome = lane.call("x", within(timeout));
            const bool in_time = std::chrono::steady_clock::now() - start >= timeout;
            right += in_time && !outcome && outcome.error().code == ErrorCode::timed_out ? 1 : 0;
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(right == 16);
}

TEST_CASE("a stop token ends a blocked call at once, before or after it began") {
    LaneWithoutWorker lane;
    CallOptions options = kForEver;
    std::stop_source early;
    early.request_stop();
    options.stop = early.get_token();
    auto outcome = lane.call("x", options);
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::cancelled, "cancelled");

    std::stop_source later;
    options.stop = later.get_token();
    std::thread canceller([&] {
        CHECK(look_until([&] { return lane->stats().in_flight == 1; }));
        later.request_stop();
    });
    outcome = lane.call("x", options);
    canceller.join();
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::cancelled, "cancelled");
}

TEST_CASE("a ticket cancels an asynchronous call, even if it was used before the call was made") {
    LaneWithoutWorker lane;
    const auto early = std::make_shared<detail::CancelTicket>();
    early->cancel();
    auto call = lane.start("x", kForEver, early);
    check(error_of(call), ErrorCode::cancelled, "cancelled");

    const auto later = std::make_shared<detail::CancelTicket>();
    auto other = lane.start("x", kForEver);
    call = lane.start("x", kForEver, later);
    CHECK(is_open(call));
    later->cancel();
    check(error_of(call), ErrorCode::cancelled, "cancelled");
    CHECK(is_open(other));
    later->cancel();  // twice is fine
}

TEST_CASE("a ticket that outlives its lane cancels nothing") {
    const auto ticket = std::make_shared<detail::CancelTicket>();
    {
        LaneWithoutWorker lane;
        auto call = lane.start("x", kForEver, ticket);
    }
    ticket->cancel();
}

TEST_CASE("a full lane refuses at once and says what is full") {
    LaneWithoutWorker lane(2);
    auto first = lane.start("x", kForEver);
    auto second = lane.start("x", kForEver);
    const auto outcome = lane.call("x", kForEver);
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::overloaded, "limits.in_flight 2");
    auto third = lane.start("x", kForEver);
    check(error_of(third), ErrorCode::overloaded, "limits.in_flight 2");
    CHECK(is_open(first));
    CHECK(is_open(second));
}

TEST_CASE("the bytes in flight are limited too, and small calls need none of them") {
    LaneWithoutWorker lane(8);
    const std::string large(4096, 'x');
    auto first = lane.start(large, kForEver);
    auto second = lane.start(large, kForEver);
    const auto outcome = lane.call(large, kForEver);
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::overloaded, "limits.in_flight_bytes 8192");
    auto small = lane.start("x", kForEver);
    CHECK(is_open(small));
}

TEST_CASE("who asked to wait for room waits until the deadline") {
    LaneWithoutWorker lane(1);
    auto first = lane.start("x", kForEver);
    const auto outcome = lane.call("x", within(30ms, WhenFull::wait));
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::overloaded, "limits.in_flight");
    auto waiting = lane.start("x", within(30ms, WhenFull::wait));
    check(error_of(waiting), ErrorCode::overloaded, "limits.in_flight");
}

TEST_CASE("who waits for room can be cancelled") {
    LaneWithoutWorker lane(1);
    auto first = lane.start("x", kForEver);
    const auto ticket = std::make_shared<detail::CancelTicket>();
    auto waiting = lane.start("x", within(CallOptions::kNoTimeout, WhenFull::wait), ticket);
    CHECK(is_open(waiting));
    ticket->cancel();
    check(error_of(waiting), ErrorCode::cancelled, "cancelled");

    CallOptions options = within(CallOptions::kNoTimeout, WhenFull::wait);
    std::stop_source stop;
    options.stop = stop.get_token();
    std::thread canceller([&] {
        CHECK(look_until([&] { return lane->stats().in_flight == 2; }));
        stop.request_stop();
    });
    const auto outcome = lane.call("x", options);
    canceller.join();
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::cancelled, "cancelled");
}

TEST_CASE("stopping ends every call: blocked, asynchronous, and waiting for room") {
    LaneWithoutWorker lane(2);
    auto asynchronous = lane.start("x", kForEver);
    auto blocked = std::async(std::launch::async, [&] { return lane.call("x", kForEver); });
    CHECK(look_until([&] { return lane->stats().in_flight == 2; }));
    auto waiting =
        std::async(std::launch::async, [&] { return lane.call("x", within(CallOptions::kNoTimeout, WhenFull::wait)); });
    auto deferred = lane.start("x", within(CallOptions::kNoTimeout, WhenFull::wait));
    CHECK(look_until([&] { return lane->stats().in_flight == 4; }));
    lane->begin_stop();
    for (auto* call : {&asynchronous, &blocked, &waiting, &deferred}) {
        check(error_of(*call), ErrorCode::stopped, "stopped");
    }
    auto late = lane.start("x", kForEver);
    check(error_of(late), ErrorCode::stopped, "stopped");
    const auto outcome = lane.call("x", kForEver);
    REQUIRE_FALSE(outcome.has_value());
    check(outcome.error(), ErrorCode::stopped, "stopped");
}

TEST_CASE("what cannot be a call is refused before anything else") {
    LaneWithoutWorker lane;
    const auto unknown = lane->call(nullptr, "rotate", {}, kForEver);
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().code == ErrorCode::no_such_method);
    CHECK(unknown.error().message == "plugin resizer has no method 'rotate'");
    const auto large = lane.call(std::string(4097, 'x'), kForEver);
    REQUIRE_FALSE(large.has_value());
    check(large.error(), ErrorCode::too_large, "4097 bytes is over limits.payload of 4096");
}

TEST_CASE("every call is in exactly one outcome of the statistics") {
    LaneWithoutWorker lane(2);
    std::vector<std::future<result<Bytes>>> calls;
    for (int call = 0; call < 5; ++call) {
        calls.push_back(lane.start("x", kForEver));
    }
    CHECK(lane->stats().calls == 5);
    CHECK(lane->stats().in_flight == 2);
    lane->begin_stop();
    for (auto& call : calls) {
        error_of(call);
    }
    static_cast<void>(lane->call(nullptr, "rotate", {}, kForEver));
    const Stats stats = lane->stats();
    CHECK(stats.calls == 6);
    CHECK(stats.ended() == 6);
    CHECK(stats.in_flight == 0);
    CHECK(stats.failed(ErrorCode::overloaded) == 3);
    CHECK(stats.failed(ErrorCode::stopped) == 2);
    CHECK(stats.failed(ErrorCode::no_such_method) == 1);
    CHECK(stats.latency.count() == 0);
}

TEST_CASE("callers, cancellers and a stop at the same moment leave no call without its one outcome") {
    for (int round = 0; round < 20; ++round) {
        LaneWithoutWorker lane(8);
        std::atomic<int> outcomes{0};
        std::vector<std::thread> callers;
        for (int caller = 0; caller < 4; ++caller) {
            callers.emplace_back([&, caller] {
                for (int call = 0; call < 30; ++call) {
                    CallOptions options = within(std::chrono::microseconds(100 + 50 * caller), WhenFull::wait);
                    std::stop_source stop;
                    options.stop = stop.get_token();
                    if (call % 3 == 0) {
                        outcomes += lane.call("x", options) ? 0 : 1;
                    } else {
                        const auto ticket = std::make_shared<detail::CancelTicket>();
                        auto started =
                            lane.start(std::string(static_cast<std::size_t>(call) * 100, 'x'), options, ticket);
                        if (call % 3 == 1) {
                            ticket->cancel();
                        }
                        outcomes += started.wait_for(kPatience) == std::future_status::ready ? 1 : 0;
                    }
                }
            });
        }
        CHECK(look_until([&] { return outcomes > 2 * round; }));
        lane->begin_stop();
        for (std::thread& caller : callers) {
            caller.join();
        }
        CHECK(outcomes == 4 * 30);
        CHECK(lane->stats().in_flight == 0);
        CHECK(lane->stats().ended() == 4 * 30);
    }
}

}  // namespace
}  // namespace bulkhead
