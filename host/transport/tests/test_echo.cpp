// A whole channel between two processes in the roles of LAYOUT.md.
#include <doctest/doctest.h>

#include "support/child.hpp"
#include "support/model_host.hpp"
#include "support/model_worker.hpp"
#include "support/random.hpp"

namespace bulkhead::transport {
namespace {

constexpr std::uint32_t kCell = 3;
constexpr std::uint32_t kIncarnation = 17;

std::vector<std::byte> random_request(testing::Random& random, std::uint64_t payload_limit) {
    const std::uint64_t kind = random.below(100);
    const std::uint64_t size = kind < 60   ? random.between(0, 120)
                               : kind < 90 ? random.between(0, 4096)
                               : kind < 99 ? random.between(0, payload_limit)
                                           : payload_limit;
    std::vector<std::byte> request(size);
    std::uint64_t bits = random.below(~std::uint64_t{0});
    for (std::byte& byte : request) {
        bits = bits * 6364136223846793005U + 1442695040888963407U;
        byte = static_cast<std::byte>(bits >> 56);
    }
    return request;
}

// Keeps a changing number of calls in flight. Returns the first complaint.
std::string call_many(testing::ModelHost& host, testing::Random& random, const Geometry& geometry, int calls) {
    for (int call = 0; call < calls; ++call) {
        const std::vector<std::byte> request = random_request(random, geometry.payload_limit);
        const bool traced = random.chance(30);
        while (!host.submit(request, traced)) {
            const std::string complaint = host.open_calls() == 0 ? "an idle channel is full" : host.receive();
            if (!complaint.empty()) {
                return complaint;
            }
        }
        if (random.chance(10)) {
            host.cancel_any(random.below(1000));
        }
        for (std::uint64_t wanted = random.below(3); wanted > 0 && host.open_calls() > 0; --wanted) {
            const std::string complaint = host.receive();
            if (!complaint.empty()) {
                return complaint;
            }
        }
    }
    while (host.open_calls() > 0) {
        const std::string complaint = host.receive();
        if (!complaint.empty()) {
            return complaint;
        }
    }
    return {};
}

TEST_CASE("every call through a channel gets its own answer whatever its size") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Random random(seed);
    testing::Channel channel = testing::make_channel();
    testing::Child child([&] { return testing::ModelWorker(channel, kCell, kIncarnation).serve(); });
    testing::ModelHost host(channel, kCell, kIncarnation);
    CHECK(call_many(host, random, channel.geometry, 30'000) == "");
    CHECK(host.slab_replies() > 0);
    CHECK(channel.to_worker.slab().blocks_in_use() == 0);
    host.shut_down();
    CHECK(child.outcome() == "");
    CHECK(channel.from_worker.header().life.load() == static_cast<std::uint32_t>(Life::stopped));
}

}  // namespace
}  // namespace bulkhead::transport
