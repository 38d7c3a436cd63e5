// No wake-up is lost, whoever parks when.
#include <doctest/doctest.h>
#include <poll.h>

#include <random>
#include <string>
#include <thread>

#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

// Waits for one answer by polling the worker's pipe, as a supervisor does.
Answer poll_for_answer(TestLane& lane, TestWorker& worker) {
    lane.cell(worker).host_waits.store(transport::kHostPolls, std::memory_order_relaxed);
    transport::full_fence();
    for (;;) {
        if (auto answer = lane.try_take(worker)) {
            lane.cell(worker).host_waits.store(transport::kHostLooks, std::memory_order_relaxed);
            return *answer;
        }
        REQUIRE(await_readable(worker.signal.get()));
        drain(worker.signal);
    }
}

Answer spin_for_answer(TestLane& lane, TestWorker& worker) {
    const auto deadline = patience();
    for (;;) {
        if (auto answer = lane.try_take(worker)) {
            return *answer;
        }
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::yield();
    }
}

TEST_CASE("a hundred thousand calls lose no wake-up, however both sides wait") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    std::mt19937 random(20240229);  // NOLINT(cert-msc51-cpp): the same run each time
    const auto upto = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
    constexpr int kCalls = 100'000;
    const char* const methods[] = {"echo", "echo", "echo_in_place", "echo_later"};
    int published = 0;
    int answered = 0;
    while (answered < kCalls) {
        lane.cell(worker).spin_permit.store(upto(2), std::memory_order_relaxed);
        const std::uint32_t burst = 1 + upto(8);
        for (std::uint32_t index = 0; index < burst; ++index, ++published) {
            lane.publish(worker, methods[upto(4)], std::string(upto(100), 'x'));
        }
        const std::uint32_t way = upto(3);
        while (answered < published) {
            const Answer answer = way == 0   ? lane.await_answer(worker)
                                  : way == 1 ? poll_for_answer(lane, worker)
                                             : spin_for_answer(lane, worker);
            REQUIRE(answer.kind == transport::Kind::reply);
            lane.release(worker, answer.call_id);
            ++answered;
        }
    }
    CHECK(worker.outbox.header().begun.load() == static_cast<std::uint64_t>(published));
}

}  // namespace
}  // namespace bulkhead::worker::test
