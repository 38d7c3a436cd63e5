#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <thread>
#include <vector>

#include "supervisor.hpp"
#include "support/random.hpp"
#include "support/supervised.hpp"

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;
using testing::kPatience;
using testing::Supervised;
using transport::SteadyTime;

SteadyTime in(std::chrono::nanoseconds time) { return std::chrono::steady_clock::now() + time; }

// A timer that remembers when it fired.
struct Alarm {
    explicit Alarm(Supervisor& chosen) : supervisor(chosen) {
        id = supervisor.add_timer([this] { fired.set_value(std::chrono::steady_clock::now()); });
    }
    SteadyTime wait() {
        auto future = fired.get_future();
        REQUIRE(future.wait_for(kPatience) == std::future_status::ready);
        return future.get();
    }
    Supervisor& supervisor;
    Supervisor::Id id = 0;
    std::promise<SteadyTime> fired;  // firing twice would throw
};

TEST_CASE("a timer fires once, at its time and not before") {
    Supervised supervised;
    Alarm alarm(supervised.supervisor);
    const SteadyTime due = in(20ms);
    supervised.supervisor.arm(alarm.id, due);
    CHECK(alarm.wait() >= due);
}

TEST_CASE("a time in the past fires at once") {
    Supervised supervised;
    Alarm alarm(supervised.supervisor);
    supervised.supervisor.arm(alarm.id, SteadyTime{});
    alarm.wait();
}

TEST_CASE("arming for an earlier time wakes the sleeper, arming for a later one changes nothing") {
    Supervised supervised;
    Alarm alarm(supervised.supervisor);
    supervised.supervisor.arm(alarm.id, in(1h));
    supervised.run([] {});  // it sleeps for an hour now, or is about to
    const SteadyTime due = in(10ms);
    supervised.supervisor.arm(alarm.id, due);
    supervised.supervisor.arm(alarm.id, in(2h));
    const SteadyTime fired = alarm.wait();
    CHECK(fired >= due);
    CHECK(fired < due + kPatience);
}

TEST_CASE("a timer that never fires again can be armed again, even from its own handler") {
    Supervised supervised;
    std::promise<void> enough;
    int fired = 0;
    Supervisor::Id id = 0;
    id = supervised.supervisor.add_timer([&] {
        if (++fired == 5) {
            enough.set_value();
        } else {
            supervised.supervisor.arm(id, in(1ms));
        }
    });
    supervised.supervisor.arm(id, in(0ms));
    CHECK(enough.get_future().wait_for(kPatience) == std::future_status::ready);
    supervised.run([] {});
    CHECK(fired == 5);
}

TEST_CASE("a timer that removes itself while it fires is gone") {
    Supervised supervised;
    std::promise<void> fired;
    Supervisor::Id id = 0;
    // Owned by the handler: it must live until the handler has returned.
    auto witness = std::make_shared<int>(7);
    id = supervised.supervisor.add_timer([&, witness = std::move(witness)] {
        supervised.supervisor.remove_timer(id);
        CHECK(*witness == 7);
        fired.set_value();
    });
    supervised.supervisor.arm(id, in(0ms));
    REQUIRE(fired.get_future().wait_for(kPatience) == std::future_status::ready);
    supervised.supervisor.arm(id, in(0ms));  // would set the promise twice
    Alarm later(supervised.supervisor);
    supervised.supervisor.arm(later.id, in(5ms));
    later.wait();
}

TEST_CASE("a handler can remove another timer that is due at the same time") {
    Supervised supervised;
    int fired = 0;
    std::vector<Supervisor::Id> timers(2);
    for (std::size_t index = 0; index < 2; ++index) {
        timers[index] = supervised.supervisor.add_timer([&, index] {
            ++fired;
            supervised.supervisor.remove_timer(timers[1 - index]);
        });
    }
    const SteadyTime due = in(5ms);
    supervised.run([&] {
        for (const Supervisor::Id timer : timers) {
            supervised.supervisor.arm(timer, due);
        }
    });
    Alarm later(supervised.supervisor);
    supervised.supervisor.arm(later.id, due + 5ms);
    later.wait();
    CHECK(fired == 1);
}

TEST_CASE("many timers, armed from many threads, fire in the order of their times") {
    const std::uint64_t seed = transport::testing::choose_seed();
    CAPTURE(seed);
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kTimers = 200;
    Supervised supervised;
    std::vector<SteadyTime> fired;
    const SteadyTime start = in(50ms);  // after all are armed, or the order is not theirs alone
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            transport::testing::Random random(seed + thread);
            for (std::size_t timer = 0; timer < kTimers; ++timer) {
                const SteadyTime due = start + std::chrono::microseconds(random.below(50'000));
                const auto id = supervised.supervisor.add_timer([&fired, due] { fired.push_back(due); });
                supervised.supervisor.arm(id, due);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const bool in_time = std::chrono::steady_clock::now() < start;
    Alarm last(supervised.supervisor);
    supervised.supervisor.arm(last.id, start + 60ms);
    last.wait();
    supervised.supervisor.stop();
    CHECK(fired.size() == kThreads * kTimers);
    CHECK((!in_time || std::is_sorted(fired.begin(), fired.end())));
}

TEST_CASE("a timer that is due when the supervisor stops keeps nobody waiting") {
    Supervised supervised;
    const auto id = supervised.supervisor.add_timer([] {});
    supervised.supervisor.arm(id, in(1h));
    supervised.supervisor.stop();
    supervised.supervisor.arm(id, in(0ms));
    supervised.supervisor.remove_timer(id);
    supervised.supervisor.remove_timer(id);
}

}  // namespace
}  // namespace bulkhead::detail
