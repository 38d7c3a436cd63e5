#include "large_memory.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <thread>

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSize = kOwnMapping + 1;
const transport::SteadyTime kNow{1h};
constexpr char kMark[] = "of the reply before";

// Writes to it and lets it go.
void use(ReplyMemory& memory, std::size_t size, transport::SteadyTime now) {
    Bytes bytes = memory.take(size, now);
    REQUIRE(bytes.size() == size);
    std::memcpy(bytes.data(), kMark, sizeof kMark);
}

// Memory that was written to and not given back to the machine; a fresh mapping is zero.
bool is_used(const Bytes& bytes) { return std::memcmp(bytes.data(), kMark, sizeof kMark) == 0; }

TEST_CASE("a large reply gets the memory of the one before") {
    ReplyMemory memory;
    use(memory, kSize, kNow);
    CHECK(is_used(memory.take(kSize, kNow)));
    CHECK(is_used(memory.take(kSize - 1, kNow)));
}

TEST_CASE("a large reply gets no memory that somebody has, none that is too small and none that is far too large") {
    ReplyMemory memory;
    use(memory, kSize, kNow);
    {
        const Bytes held = memory.take(kSize, kNow);
        const Bytes other = memory.take(kSize, kNow);
        CHECK(other.data() != held.data());
        CHECK(is_used(held));
    }
    use(memory, kSize, kNow);
    const Bytes larger = memory.take(kSize + 1, kNow);
    CHECK(larger.size() == kSize + 1);
    CHECK_FALSE(is_used(larger));
    use(memory, 3 * kSize, kNow);
    CHECK_FALSE(is_used(memory.take(kSize, kNow)));
}

TEST_CASE("the memory of large replies is given back a second after the last one") {
    ReplyMemory memory;
    CHECK(memory.check(kNow) == transport::kNoDeadline);
    use(memory, kSize, kNow);
    CHECK(memory.check(kNow) == kNow + 1s);
    use(memory, kSize, kNow + 500ms);
    CHECK(memory.check(kNow + 1s) == kNow + 1500ms);
    CHECK(is_used(memory.take(kSize, kNow + 500ms)));
    CHECK(memory.check(kNow + 1500ms) == transport::kNoDeadline);
    CHECK_FALSE(is_used(memory.take(kSize, kNow + 2s)));
}

TEST_CASE("the bytes of a large reply outlive what gave them, and may be let go by another thread") {
    auto memory = std::make_unique<ReplyMemory>();
    Bytes bytes = memory->take(kSize, kNow);
    SUBCASE("its end") { memory.reset(); }
    SUBCASE("its time is over") { CHECK(memory->check(kNow + 1s) == transport::kNoDeadline); }
    std::memcpy(bytes.data(), kMark, sizeof kMark);
    std::thread([held = std::move(bytes)] { CHECK(is_used(held)); }).join();
    if (memory) {
        CHECK_FALSE(is_used(memory->take(kSize, kNow + 1s)));
    }
}

}  // namespace
}  // namespace bulkhead::detail
