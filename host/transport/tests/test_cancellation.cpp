// Law 4: `effect: none` is never a guess.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/random.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

constexpr std::uint64_t kRounds = 200'000;
constexpr std::chrono::seconds kEnough{3};  // a machine without a free core gets no further
constexpr std::uint64_t kLatest = 200;      // spin pauses

void pause_for(std::uint64_t pauses) {
    for (std::uint64_t pause = 0; pause < pauses; ++pause) {
        spin_pause();
    }
}

// Begins each call as LAYOUT.md says and answers `reply` when it entered the plugin, else `skipped`.
std::string begin_or_skip(const testing::Channel& channel, std::uint64_t seed) {
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    testing::Random random(seed);
    RingReader requests = ends.from_host.requests_from(0);
    const auto& shut_down = ends.from_host.worker_cell(0).shut_down;
    for (;;) {
        if (!testing::look_until([&] { return requests.ready() || shut_down.load() != 0; })) {
            return "no request at position " + std::to_string(requests.position());
        }
        Message request;
        if (requests.take(request) != RingReader::Take::message) {
            return shut_down.load() != 0 ? "" : "the request ring is broken";
        }
        pause_for(random.below(4));
        ends.to_host.header().begun.store(requests.position(), std::memory_order_release);
        full_fence();
        const bool cancelled = ends.from_host.call_cell(0).cancelled.load(std::memory_order_acquire) == request.call_id;
        Message answer;
        answer.call_id = request.call_id;
        answer.kind = static_cast<std::uint8_t>(cancelled ? Kind::skipped : Kind::reply);
        ends.to_host.replies().publish(answer);
    }
}

TEST_CASE("a call that the host saw not begun when it cancelled it never enters the plugin") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Channel channel = testing::make_channel();
    testing::Child worker([&] { return begin_or_skip(channel, seed); });
    testing::Random random(seed + 1);
    CallCell& cell = channel.to_worker.call_cell(0);
    const auto& begun = channel.from_worker.header().begun;
    RingReader replies = channel.from_worker.replies();
    std::uint64_t moment = 0;  // of the cancellation; follows the moment at which the worker begins
    std::uint64_t skipped = 0;
    std::uint64_t entered = 0;
    std::uint64_t entered_unseen = 0;
    bool answered = true;
    const SteadyTime end = std::chrono::steady_clock::now() + kEnough;
    for (std::uint64_t round = 0; round < kRounds && answered && std::chrono::steady_clock::now() < end; ++round) {
        Message request;
        request.call_id = (round + 1) << 16;
        const std::uint64_t position = channel.to_worker.requests().publish(request);
        if (random.chance(10)) {
            testing::look_until([&] { return begun.load(std::memory_order_acquire) > position; });
        } else {
            pause_for(moment + random.below(4));
        }
        cell.cancelled.store(request.call_id, std::memory_order_relaxed);
        full_fence();
        const bool may_have_begun = begun.load(std::memory_order_acquire) > position;
        Message answer;
        answered = testing::look_until([&] { return replies.ready(); }) &&
                   replies.take(answer) == RingReader::Take::message && answer.call_id == request.call_id;
        const bool was_entered = answer.kind == static_cast<std::uint8_t>(Kind::reply);
        skipped += was_entered ? 0 : 1;
        entered += was_entered ? 1 : 0;
        moment = was_entered ? moment - std::min<std::uint64_t>(moment, 1) : std::min(moment + 1, kLatest);
        entered_unseen += was_entered && !may_have_begun ? 1 : 0;
    }
    channel.to_worker.worker_cell(0).shut_down.store(1);
    CHECK(answered);
    CHECK(worker.outcome() == "");
    CHECK(entered_unseen == 0);
    CHECK(skipped > 0);
    CHECK(entered > 0);
}

}  // namespace
}  // namespace bulkhead::transport
