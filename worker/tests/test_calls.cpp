// What a serving worker does with calls.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "bulkhead/plugin/plugin.h"
#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

using transport::Kind;

TEST_CASE("payloads of every size come back unchanged, copied or built in place, at once or later") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    for (const char* method : {"echo", "echo_in_place", "echo_later"}) {
        for (const std::size_t size : {0, 1, 71, 72, 73, 87, 88, 89, 256, 4095, 4096, 100'000, 16 << 20}) {
            CAPTURE(method);
            CAPTURE(size);
            std::string payload(size, '\0');
            for (std::size_t index = 0; index < size; ++index) {
                payload[index] = static_cast<char>(index * 31 + size);
            }
            const Answer answer = lane.call(worker, method, payload);
            CHECK(answer.kind == Kind::reply);
            CHECK((answer.payload == payload));
        }
    }
}

TEST_CASE("an answer over the payload limit is reported as too large, and the worker goes on") {
    GuardProcess guard;
    TestLane lane(guard, {.payload = 1000});
    TestWorker worker = lane.start_serving();
    CHECK(lane.call(worker, "produce", "1000").payload.size() == 1000);
    CHECK(lane.call(worker, "produce", "1001").kind == Kind::reply_too_large);
    CHECK(lane.call(worker, "produce", "1000000000").kind == Kind::reply_too_large);
    CHECK(lane.call(worker, "echo", "x").payload == "x");
}

TEST_CASE("a plugin's failure arrives with its number and its text, which is cut at 4096 bytes") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    for (const std::size_t size : {0, 5, 88, 89, 4096, 8000}) {
        const std::string text(size, 'e');
        const Answer answer = lane.call(worker, "fail", text);
        CHECK(answer.kind == Kind::plugin_error);
        CHECK(answer.status == -42);
        CHECK(answer.payload == text.substr(0, 4096));
    }
}

TEST_CASE("only the first answer to a call counts, even when its slot serves another call by then") {
    GuardProcess guard;
    TestLane lane(guard, {.in_flight = 1});
    TestWorker worker = lane.start_serving();
    CHECK(lane.call(worker, "answer_twice", "first").payload == "first");
    CHECK(lane.call(worker, "answer_former", "mine").payload == "mine");
    CHECK(lane.call(worker, "echo", "next").payload == "next");
    CHECK_FALSE(lane.try_take(worker));
    const auto lines = worker.log_lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] == "the plugin's use of reply was ignored: the call was answered before");
    CHECK(lines[1] == lines[0]);
}

TEST_CASE("a plugin that commits more than its reply buffer has gets the caller an error") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    const Answer answer = lane.call(worker, "commit_too_much", std::string(100, 'x'));
    CHECK(answer.kind == Kind::plugin_error);
    CHECK(answer.payload == "the plugin committed 1100 bytes of a reply buffer that has 100");
}

TEST_CASE("a plugin learns deadline, trace id, its directory and its config") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving({.json_members = R"(,"config":"{\"depth\":3}")"});
    CHECK(lane.call(worker, "describe_call", "").payload == R"(0 - 0 /of/the/manifest {"depth":3})");
    const Answer traced =
        lane.call(worker, "describe_call", std::string(80, 'x'), {.deadline = 12345, .trace_id = "0123456789abcdef"});
    CHECK(traced.payload == R"(12345 30313233343536373839616263646566 0 /of/the/manifest {"depth":3})");
}

TEST_CASE("log lines arrive cut at 240 bytes, and output line by line") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    lane.call(worker, "log_line", "short");
    lane.call(worker, "log_line", std::string(300, 'l'));
    CHECK(worker.log_lines() == std::vector<std::string>{"short", std::string(240, 'l')});
    CHECK(worker.outbox.log_slot(1).length == 300);
    CHECK(worker.outbox.log_slot(1).level == BULKHEAD_LOG_WARNING);
    lane.call(worker, "print", "a line");
    CHECK(await_readable(worker.output.get()));
}

TEST_CASE("a call that was cancelled before it began never enters the plugin") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start();
    REQUIRE(worker.await_settled() == transport::Life::ready);
    const std::uint64_t crash = lane.publish(worker, "crash", "");
    const std::uint64_t echo = lane.publish(worker, "echo", "x");
    lane.cancel(crash);
    lane.take_over(worker, 0);
    const Answer skipped = lane.await_answer(worker);
    CHECK(skipped.kind == Kind::skipped);
    CHECK(skipped.call_id == crash);
    const Answer answered = lane.await_answer(worker);
    CHECK(answered.call_id == echo);
    CHECK(answered.payload == "x");
    CHECK(worker.outbox.header().begun.load() == 2);
}

TEST_CASE("calls that are answered later are answered in any number at a time") {
    GuardProcess guard;
    TestLane lane(guard, {.in_flight = 64});
    TestWorker worker = lane.start_serving();
    lane.call(worker, "hold_later", "held");
    std::vector<std::uint64_t> ids;
    for (int index = 0; index < 60; ++index) {
        ids.push_back(lane.publish(worker, "echo_later", std::to_string(index)));
    }
    const std::uint64_t let_go = lane.publish(worker, "hold_later", "");
    // The thread may answer before the call that lets it go does.
    std::vector<Answer> answers;
    for (std::size_t count = 0; count <= ids.size(); ++count) {
        answers.push_back(lane.await_answer(worker));
        lane.release(worker, answers.back().call_id);
    }
    CHECK(std::erase_if(answers, [&](const Answer& answer) { return answer.call_id == let_go; }) == 1);
    for (std::size_t index = 0; index < ids.size(); ++index) {
        CHECK(answers[index].call_id == ids[index]);
        CHECK(answers[index].payload == std::to_string(index));
    }
}

TEST_CASE("an answer that finds no room waits until the host releases another") {
    constexpr std::uint64_t kLarge = 1 << 20;
    GuardProcess guard;
    TestLane lane(guard, {.payload = kLarge, .in_flight = 8, .in_flight_bytes = 1});
    TestWorker worker = lane.start_serving();
    const std::string size = std::to_string(kLarge);
    const auto& waits = worker.outbox.header().waits_for_room;
    const auto await_waiter = [&] {
        const auto deadline = patience();
        while (waits.load() == 0) {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
        }
    };
    for (int round = 0; round < 20; ++round) {
        for (int index = 0; index < 4; ++index) {
            lane.publish(worker, "produce", size);
        }
        const Answer first = lane.await_answer(worker);
        const Answer second = lane.await_answer(worker);
        CHECK(first.payload.size() == kLarge);
        await_waiter();
        CHECK_FALSE(lane.try_take(worker));
        lane.release(worker, second.call_id);
        const Answer third = lane.await_answer(worker);
        CHECK(third.payload.size() == kLarge);
        await_waiter();
        const std::uint64_t waiting = worker.outbox.header().current_call_id;
        lane.cancel(waiting);
        lane.wake(worker);
        const Answer dropped = lane.await_answer(worker);
        CHECK(dropped.call_id == waiting);
        CHECK(dropped.payload.empty());
        CHECK(waits.load() == 0);
        for (const Answer* answer : {&first, &third, &dropped}) {
            lane.release(worker, answer->call_id);
        }
    }
}

TEST_CASE("an answer that finds no room by its deadline is an error that says so, and no empty reply") {
    constexpr std::uint64_t kLarge = 1 << 20;
    GuardProcess guard;
    TestLane lane(guard, {.payload = kLarge, .in_flight = 8, .in_flight_bytes = 1});
    TestWorker worker = lane.start_serving();
    const auto soon = [] {
        const auto time = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        return CallOptions{.deadline =
                               static_cast<std::uint64_t>(time.time_since_epoch() / std::chrono::nanoseconds(1))};
    };
    std::vector<std::uint64_t> filling;
    for (int index = 0; index < 2; ++index) {
        filling.push_back(lane.publish(worker, "produce", std::to_string(kLarge)));
        CHECK(lane.await_answer(worker).payload.size() == kLarge);
    }
    const Answer reply = lane.call(worker, "produce", std::to_string(kLarge), soon());
    CHECK(reply.kind == Kind::plugin_error);
    CHECK(reply.status == 0);
    CHECK(reply.payload == "there was no room for the answer before its deadline");
    const Answer failure = lane.call(worker, "fail", std::string(4000, 'f'), soon());
    CHECK(failure.kind == Kind::plugin_error);
    CHECK(failure.status == -42);
    CHECK(failure.payload == std::string(transport::kInlineCapacity, 'f'));
    for (const std::uint64_t id : filling) {
        lane.release(worker, id);
    }
    CHECK(lane.call(worker, "produce", std::to_string(kLarge)).payload.size() == kLarge);
}

TEST_CASE("a worker serves from its start position to its stop position, and the next one goes on there") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker first = lane.start_serving();
    TestWorker second = lane.start();
    REQUIRE(second.await_settled() == transport::Life::ready);
    lane.call(first, "hold_later", "held");
    const std::uint64_t open = lane.publish(first, "echo_later", "open");
    CHECK(lane.call(first, "echo", "a").payload == "a");
    const std::uint64_t end = lane.outbox().requests().head();
    lane.stop_at(first, end + 1);
    const std::uint64_t let_go = lane.publish(first, "hold_later", "");
    const std::uint64_t next = lane.publish(first, "echo", "b");
    lane.take_over(second, end + 1);

    const std::set<std::uint64_t> last{lane.await_answer(first).call_id, lane.await_answer(first).call_id};
    CHECK(last == std::set<std::uint64_t>{open, let_go});
    CHECK(guard.await_exited(first.pid).wait_status == 0);
    CHECK(first.outbox.header().begun.load() == end + 1);
    const Answer moved = lane.await_answer(second);
    CHECK(moved.call_id == next);
    CHECK(moved.payload == "b");
    CHECK(second.outbox.header().begun.load() == end + 2);
    CHECK_FALSE(lane.try_take(first));
}

TEST_CASE("a worker that has reached its stop position waits for its open calls, but not when it is shut down") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    lane.call(worker, "hold_later", "held");
    lane.publish(worker, "echo_later", "never");
    lane.call(worker, "echo", "x");
    lane.stop_at(worker, lane.outbox().requests().head());
    // It is told to serve no more but cannot end: only a shutdown gets it out.
    CHECK(is_alive(worker.pid));
    CHECK(worker.life() == transport::Life::serving);
    lane.shut_down(worker);
    CHECK(guard.await_exited(worker.pid).wait_status == 0);
    CHECK(worker.life() == transport::Life::stopped);
}

}  // namespace
}  // namespace bulkhead::worker::test
