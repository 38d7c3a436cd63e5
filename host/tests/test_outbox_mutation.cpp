#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <vector>

#include "support/outbox_audit.hpp"
#include "support/random.hpp"

namespace bulkhead::testing {
namespace {

using transport::testing::Random;

// Numbers that sit on an edge of something.
std::uint64_t telling_number(Random& random, const transport::Geometry& geometry) {
    const std::uint64_t numbers[] = {0,
                                     1,
                                     2,
                                     3,
                                     transport::kInlineCapacity,
                                     transport::kInlineCapacity + 1,
                                     geometry.payload_limit,
                                     geometry.payload_limit + 1,
                                     geometry.reply_slab_size - geometry.payload_limit,
                                     geometry.reply_slab_size,
                                     geometry.log_slots,
                                     geometry.reply_slots,
                                     transport::kMaxMethods + 1,
                                     0x10000,
                                     0x10001,
                                     0x10002,
                                     0x10003,
                                     0x20000,
                                     UINT32_MAX,
                                     std::uint64_t{1} << 63,
                                     UINT64_MAX};
    return numbers[random.below(std::size(numbers))];
}

// Changes a few bytes somewhere, or one field to a telling number, or everything.
void mutate(GuardedOutbox& outbox, Random& random) {
    const std::span<std::byte> bytes = outbox.bytes();
    if (random.chance(1)) {
        std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random.below(256)); });
        return;
    }
    const auto& geometry = outbox.geometry();
    // Half of all changes go where the first replies are.
    const std::uint64_t begin = random.chance(50) ? geometry.reply_ring_offset : 0;
    const std::uint64_t length = begin != 0 ? 8 * transport::kSlotSize : bytes.size();
    const std::uint64_t field = begin + random.below(length / 8) * 8;
    const std::uint64_t value =
        random.chance(70) ? telling_number(random, geometry) : random.below(std::uint64_t{1} << 62);
    const std::size_t width = std::size_t{1} << random.below(4);
    std::memcpy(bytes.data() + field + random.below(8 / width) * width, &value, width);
}

TEST_CASE("an honest worker breaks no rule and is read to the end") {
    GuardedOutbox outbox;
    OutboxAudit::be_honest(outbox);
    OutboxAudit audit(outbox);
    audit.read();
    CHECK(audit.broken_rule().empty());
    CHECK(audit.impossible().empty());
    CHECK(audit.replies() == 3);
    CHECK(audit.lines() == 2);
    CHECK(audit.wrong_methods().empty());
    REQUIRE(audit.methods().size() == 2);
    CHECK(audit.methods()[0].name == "first");
    CHECK(audit.methods()[0].idempotent);  // because its manifest says so
    CHECK(audit.methods()[1].name == "second");
    CHECK(audit.methods()[1].idempotent);  // because it says so
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRounds = 1000;
#else
constexpr int kRounds = 4000;
#endif

TEST_CASE("whatever a worker writes into its outbox is read within its bounds, and lies are named") {
    const std::uint64_t seed = transport::testing::choose_seed();
    CAPTURE(seed);
    Random random(seed);
    GuardedOutbox outbox;
    OutboxAudit::be_honest(outbox);
    const std::vector<std::byte> honest(outbox.bytes().begin(), outbox.bytes().end());
    std::set<std::string> rules;
    for (int round = 0; round < kRounds; ++round) {
        std::copy(honest.begin(), honest.end(), outbox.bytes().begin());
        OutboxAudit audit(outbox);
        for (std::uint64_t look = random.between(1, 4); look > 0; --look) {
            for (std::uint64_t change = random.between(1, 6); change > 0; --change) {
                mutate(outbox, random);
            }
            audit.read();
        }
        const bool host_is_well = audit.impossible().empty();
        CHECK_MESSAGE(host_is_well, (host_is_well ? "" : audit.impossible().front()));
        rules.insert(audit.broken_rule());
    }
    // Else the mutations were too tame to prove anything.
    CHECK(rules.size() >= 6);
}

}  // namespace
}  // namespace bulkhead::testing
