#include "pending_calls.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "support/random.hpp"

namespace bulkhead::detail {
namespace {

using State = PendingCall::State;
using transport::testing::Random;

TEST_CASE("a table gives out as many calls as it has slots") {
    PendingCalls calls(3);
    std::set<PendingCall*> taken;
    for (int count = 0; count < 3; ++count) {
        PendingCall* call = calls.acquire();
        REQUIRE(call != nullptr);
        CHECK(call->state == State::preparing);
        taken.insert(call);
    }
    CHECK(taken.size() == 3);
    CHECK(calls.in_use() == 3);
    CHECK(calls.acquire() == nullptr);
    calls.give_back(**taken.begin());
    CHECK(calls.in_use() == 2);
    CHECK(calls.acquire() == *taken.begin());
}

TEST_CASE("a call starts clean, whatever the slot went through") {
    PendingCalls calls(1);
    PendingCall& used = *calls.acquire();
    used.state = State::decided;
    used.released = used.held = true;
    used.attempts = 2;
    used.position = 7;
    used.block = 4096;
    Waiter waiter;
    used.waiter = &waiter;
    calls.give_back(used);
    const PendingCall& call = *calls.acquire();
    CHECK_FALSE(call.released);
    CHECK_FALSE(call.held);
    CHECK(call.attempts == 0);
    CHECK(call.position == transport::kNoPosition);
    CHECK_FALSE(call.block);
    CHECK(call.waiter == nullptr);
}

TEST_CASE("ids that cannot be, or are no more, find nothing") {
    PendingCalls calls(4);
    const std::uint64_t id = calls.acquire()->id;
    CHECK(calls.find(id) != nullptr);
    for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{1}, id - 0x10000, id + 0x10000, id + 4,
                                      id | 0xFFFF, id ^ (std::uint64_t{1} << 63), ~std::uint64_t{0}}) {
        CAPTURE(wrong);
        CHECK(calls.find(wrong) == nullptr);
    }
    calls.give_back(*calls.find(id));
    CHECK(calls.find(id) == nullptr);
}

// The table and what it should hold, and every id there ever was.
struct Model {
    explicit Model(std::uint32_t size) : slots(size), calls(size) {}

    void acquire() {
        PendingCall* call = calls.acquire();
        CHECK((call != nullptr) == (live.size() < slots));
        if (call != nullptr) {
            CHECK(PendingCalls::index_of(call->id) < slots);
            CHECK(ever.insert(call->id).second);
            live.emplace(call->id, call);
        }
    }

    void step(PendingCall& call) {
        switch (call.state) {
            case State::preparing:
                call.state = State::open;
                call.position = next_position++;
                break;
            case State::open:
                call.state = State::decided;
                break;
            case State::decided:
                live.erase(call.id);
                calls.give_back(call);
                break;
            case State::free:
                FAIL("a free call is in the model");
        }
    }

    void check() {
        CHECK(calls.in_use() == live.size());
        std::map<std::uint64_t, PendingCall*> by_position;
        for (const auto& [id, call] : live) {
            if (call->state != State::preparing) {
                by_position.emplace(call->position, call);
            }
        }
        std::vector<PendingCall*> expected;
        for (const auto& [position, call] : by_position) {
            expected.push_back(call);
        }
        CHECK(calls.published() == expected);
    }

    std::uint32_t slots;
    PendingCalls calls;
    std::map<std::uint64_t, PendingCall*> live;
    std::set<std::uint64_t> ever;
    std::uint64_t next_position = 0;
};

template <typename Container>
auto random_element(Container& container, Random& random) {
    return std::next(container.begin(), static_cast<std::ptrdiff_t>(random.below(container.size())));
}

TEST_CASE("the table behaves like its model under random operations, and no id comes back") {
    const std::uint64_t seed = transport::testing::choose_seed();
    CAPTURE(seed);
    Random random(seed);
    for (const std::uint32_t slots : {1U, 2U, 7U, 64U}) {
        Model model(slots);
        for (int operation = 0; operation < 5000; ++operation) {
            if (model.live.empty() || random.chance(40)) {
                model.acquire();
            } else {
                model.step(*random_element(model.live, random)->second);
            }
            if (!model.ever.empty()) {
                const std::uint64_t id = *random_element(model.ever, random);
                const auto found = model.live.find(id);
                CHECK(model.calls.find(id) == (found == model.live.end() ? nullptr : found->second));
            }
            model.check();
        }
    }
}

TEST_CASE("the largest table works to its last slot") {
    PendingCalls calls(transport::kMaxCallSlots);
    std::vector<PendingCall*> all;
    while (PendingCall* call = calls.acquire()) {
        call->state = State::open;
        call->position = transport::kMaxCallSlots - all.size();
        all.push_back(call);
    }
    CHECK(all.size() == transport::kMaxCallSlots);
    std::reverse(all.begin(), all.end());
    CHECK(calls.published() == all);
}

}  // namespace
}  // namespace bulkhead::detail
