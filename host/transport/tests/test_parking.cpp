// The rule that loses no wake-up: LAYOUT.md, "Waiting".
#include <doctest/doctest.h>

#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/random.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

constexpr std::uint64_t kRounds = 100'000;
constexpr std::chrono::seconds kSilence{5};

// One side's end of a ping-pong. `sleep` waits on `bell` while it is the given value.
template <typename Sleep>
struct Side {
    RingReader incoming;
    RingWriter* outgoing;
    const std::atomic<std::uint32_t>* incoming_bell;
    std::atomic<std::uint32_t>* parked;
    const std::atomic<std::uint32_t>* peer_parked;
    std::atomic<std::uint32_t>* outgoing_bell;
    Sleep sleep;
    testing::Random random;

    void send() {
        outgoing->publish({});
        full_fence();
        if (peer_parked->load(std::memory_order_relaxed) != 0) {
            ring_bell(*outgoing_bell);
        }
    }

    // Spins for a random while, about as long as an answer takes, so that parking and publishing meet often.
    bool spin() {
        const std::uint64_t looks = random.chance(60) ? random.below(8) : random.below(1000);
        for (std::uint64_t look = 0; look < looks; ++look) {
            if (incoming.ready()) {
                return true;
            }
            spin_pause();
        }
        return false;
    }

    std::string park() {
        while (!incoming.ready()) {
            const std::uint32_t seen = incoming_bell->load(std::memory_order_acquire);
            parked->store(1, std::memory_order_relaxed);
            full_fence();
            if (incoming.ready()) {
                break;
            }
            const SteadyTime deadline = std::chrono::steady_clock::now() + kSilence;
            sleep(*incoming_bell, seen, deadline);
            if (std::chrono::steady_clock::now() >= deadline) {
                return incoming.ready() ? "a wake-up was lost" : "the peer fell silent";
            }
        }
        parked->store(0, std::memory_order_relaxed);
        return {};
    }

    std::string receive() {
        const std::string complaint = spin() ? std::string() : park();
        Message message;
        if (complaint.empty() && incoming.take(message) != RingReader::Take::message) {
            return "there was no message";
        }
        return complaint;
    }
};

std::string answer_all(const testing::Channel& channel, std::uint64_t seed) {
    testing::WorkerEnds ends = testing::map_worker_ends(channel);
    WorkerOutboxHeader& header = ends.to_host.header();
    const WorkerCell& cell = ends.from_host.worker_cell(0);
    const auto sleep = [](const auto& bell, std::uint32_t seen, SteadyTime until) { futex_wait(bell, seen, until); };
    Side<decltype(sleep)> worker{ends.from_host.requests_from(0),
                                 &ends.to_host.replies(),
                                 &cell.bell,
                                 &header.parked,
                                 &cell.host_waits,
                                 &header.bell,
                                 sleep,
                                 testing::Random(seed)};
    std::string complaint;
    for (std::uint64_t round = 0; round < kRounds && complaint.empty(); ++round) {
        complaint = worker.receive();
        worker.send();
    }
    return complaint;
}

TEST_CASE("two processes that park at random moments never lose a wake-up") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Channel channel = testing::make_channel();
    testing::Child worker([&] { return answer_all(channel, seed); });

    WorkerCell& cell = channel.to_worker.worker_cell(0);
    const WorkerOutboxHeader& header = channel.from_worker.header();
    const std::atomic<std::uint32_t> own{0};
    const auto sleep = [&](const auto& bell, std::uint32_t seen, SteadyTime until) {
        futex_wait_either(bell, seen, own, 0, until);
    };
    Side<decltype(sleep)> host{channel.from_worker.replies(),
                               &channel.to_worker.requests(),
                               &header.bell,
                               &cell.host_waits,
                               &header.parked,
                               &cell.bell,
                               sleep,
                               testing::Random(seed + 1)};
    std::string complaint;
    for (std::uint64_t round = 0; round < kRounds && complaint.empty(); ++round) {
        host.send();
        complaint = host.receive();
    }
    CHECK(complaint == "");
    CHECK(worker.outcome() == "");
}

}  // namespace
}  // namespace bulkhead::transport
