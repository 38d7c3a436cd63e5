#include "bulkhead/transport/slab.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "support/random.hpp"

namespace bulkhead::transport {
namespace {

// The same rules in the plainest form: blocks by offset, and a walk over the gaps between them.
class Model {
  public:
    Model(std::uint64_t size, std::size_t blocks) : size_(size), limit_(blocks) {}

    std::optional<std::uint64_t> allocate(std::uint64_t size) {
        const std::uint64_t whole = (std::max<std::uint64_t>(size, 1) + 255) / 256 * 256;
        if (blocks_.size() == limit_) {
            return std::nullopt;
        }
        for (std::uint64_t offset = 0; offset + whole <= size_; offset += 256) {
            if (is_free(offset, whole)) {
                blocks_[offset] = whole;
                return offset;
            }
        }
        return std::nullopt;
    }
    void free(std::uint64_t offset) { blocks_.erase(offset); }
    const std::map<std::uint64_t, std::uint64_t>& blocks() const { return blocks_; }
    std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto& [offset, size] : blocks_) {
            sum += size;
        }
        return sum;
    }

  private:
    bool is_free(std::uint64_t offset, std::uint64_t size) const {
        const auto next = blocks_.lower_bound(offset + size);
        return next == blocks_.begin() || std::prev(next)->first + std::prev(next)->second <= offset;
    }

    std::uint64_t size_;
    std::size_t limit_;
    std::map<std::uint64_t, std::uint64_t> blocks_;
};

std::uint64_t random_size(testing::Random& random, std::uint64_t slab) {
    switch (random.below(4)) {
        case 0:
            return random.below(3) * 256 + random.below(3);
        case 1:
            return random.below(slab + 600);
        default:
            return random.below(4096);
    }
}

TEST_CASE("a slab takes the lowest gap that fits like its model for random operations") {
    const std::uint64_t seed = testing::choose_seed();
    INFO("BULKHEAD_TEST_SEED=", seed);
    testing::Random random(seed);
    for (int run = 0; run < 60; ++run) {
        const std::uint64_t size = random.between(1, 64) * 256 + random.below(2) * random.below(256);
        const std::size_t limit = random.between(1, 40);
        Slab slab(size, limit);
        Model model(size, limit);
        for (int step = 0; step < 1000; ++step) {
            if (random.chance(55)) {
                const std::uint64_t wanted = random_size(random, size);
                const auto expected = model.allocate(wanted);
                REQUIRE(slab.allocate(wanted) == expected);
            } else if (!model.blocks().empty()) {
                const auto block =
                    std::next(model.blocks().begin(), static_cast<std::ptrdiff_t>(random.below(model.blocks().size())));
                const std::uint64_t offset = block->first;
                model.free(offset);
                slab.free(offset);
            }
            REQUIRE(slab.blocks_in_use() == model.blocks().size());
            REQUIRE(slab.bytes_in_use() == model.bytes());
        }
    }
}

TEST_CASE("an empty block takes room so that no two blocks share an offset") {
    Slab slab(1024, 4);
    CHECK(slab.allocate(0) == 0);
    CHECK(slab.allocate(0) == 256);
    CHECK(slab.bytes_in_use() == 512);
}

TEST_CASE("a full slab has room again once a block is given back") {
    Slab slab(1024, 8);
    CHECK(slab.allocate(1024) == 0);
    CHECK_FALSE(slab.allocate(1));
    slab.free(0);
    CHECK(slab.bytes_in_use() == 0);
    CHECK(slab.allocate(1024) == 0);
}

TEST_CASE("a slab hands out no more blocks than it was made for") {
    Slab slab(4096, 2);
    CHECK(slab.allocate(1) == 0);
    CHECK(slab.allocate(1) == 256);
    CHECK_FALSE(slab.allocate(1));
    slab.free(0);
    CHECK(slab.allocate(300) == 512);
}

TEST_CASE("sizes that would overflow are refused") {
    Slab slab(4096, 2);
    CHECK_FALSE(slab.allocate(~std::uint64_t{0}));
    CHECK_FALSE(slab.allocate(~std::uint64_t{0} - 254));
    CHECK_FALSE(slab.allocate(4097));
    CHECK_FALSE(Slab().allocate(0));
}

}  // namespace
}  // namespace bulkhead::transport
