// What becomes of calls that are open when their worker is shut down.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "bulkhead/plugin/plugin.h"
#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

using transport::Kind;

TEST_CASE("a call that is open at a shutdown is answered in deactivate, or failed by the worker before destroy") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving({.library = "libending.so"});
    const std::uint64_t first = lane.publish(worker, "keep", "one");
    const std::uint64_t second = lane.publish(worker, "keep", "two");
    const std::uint64_t third = lane.publish(worker, "keep", std::string(5000, '3'));
    const auto deadline = patience();
    while (worker.outbox.header().begun.load() < 3 || worker.outbox.header().current_call_id != 0) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
    lane.shut_down(worker);

    std::map<std::uint64_t, Answer> answers;
    for (int count = 0; count < 3; ++count) {
        const Answer answer = lane.await_answer(worker);
        answers[answer.call_id] = answer;
    }
    CHECK(answers[first].kind == Kind::reply);
    CHECK(answers[first].payload == "in time");
    for (const std::uint64_t id : {second, third}) {
        CHECK(answers[id].kind == Kind::plugin_error);
        CHECK(answers[id].status == 0);
        CHECK(answers[id].payload == "the plugin was stopped before it answered");
    }

    CHECK(guard.await_exited(worker.pid).wait_status == 0);
    CHECK(worker.life() == transport::Life::stopped);
    CHECK_FALSE(lane.try_take(worker));
    // destroy() could still read the requests, and what it did with its calls was ignored without a word.
    CHECK(worker.read_output() ==
          "no buffer, cancelled 1, request two\nno buffer, cancelled 1, request " + std::string(5000, '3') + "\n");
    CHECK(worker.log_lines().empty());
}

}  // namespace
}  // namespace bulkhead::worker::test
