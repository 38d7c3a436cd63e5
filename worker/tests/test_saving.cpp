// What a worker does while answers wait for a checkpoint, and with requests for one.
#include <doctest/doctest.h>

#include <string>

#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

using transport::Kind;

WorkerOrder saving_with_each_call() {
    return {.library = "libsaving.so", .json_members = R"(,"checkpoints":{"every_calls":1})"};
}

TEST_CASE("a method that answers many calls at length does not wait for room that only its own end can make") {
    constexpr std::uint64_t kLarge = 1 << 20;
    GuardProcess guard;
    TestLane lane(guard, {.payload = kLarge, .in_flight = 8, .in_flight_bytes = 1});  // two of them fit
    TestWorker worker = lane.start_serving(saving_with_each_call());
    for (int round = 0; round < 5; ++round) {
        for (int index = 0; index < 4; ++index) {
            lane.publish(worker, "keep", "");
        }
        const std::uint64_t last = lane.publish(worker, "answer_all", "");
        for (int index = 0; index < 4; ++index) {
            const Answer answer = lane.await_answer(worker);
            if (index < 2) {
                CHECK(answer.kind == Kind::reply);
                CHECK(answer.payload.size() == kLarge);
            } else {
                CHECK(answer.kind == Kind::plugin_error);
                CHECK(answer.payload == "no room: other answers fill it, and they wait for this method to return");
            }
            lane.release(worker, answer.call_id);
        }
        CHECK(lane.await_answer(worker).call_id == last);
        lane.release(worker, last);
    }
}

TEST_CASE("a save that asks for a checkpoint has it, and the worker comes to rest") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving(saving_with_each_call());
    for (std::uint64_t call = 1; call <= 3; ++call) {
        CHECK(lane.call(worker, "answer_all", "").payload == "!");
        const auto deadline = patience();
        while (worker.outbox.header().parked.load() == 0) {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
        }
        CHECK(worker.outbox.header().checkpoint.load() == call);
    }
}

}  // namespace
}  // namespace bulkhead::worker::test
