#include "bulkhead/transport/waiting.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <new>
#include <thread>

#include "support/channel.hpp"
#include "support/child.hpp"
#include "support/until.hpp"

namespace bulkhead::transport {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

bool rung(const std::atomic<std::uint32_t>& bell, std::uint32_t seen) {
    return bell.load(std::memory_order_acquire) != seen;
}

// Waits as users of futex_wait do, because it may return early.
template <typename Wait>
std::string wait_for_bell(const std::atomic<std::uint32_t>& bell, Wait&& wait) {
    const SteadyTime deadline = Clock::now() + testing::kPatience;
    while (!rung(bell, 0) && Clock::now() < deadline) {
        wait(deadline);
    }
    if (!rung(bell, 0)) {
        return "it was never rung";
    }
    return Clock::now() < deadline ? "" : "only the deadline woke it";
}

TEST_CASE("the time in which the peer moves a payload does not count as spinning, up to a limit") {
    CHECK(spin_budget_after(20us, 0) == 20us);
    CHECK(spin_budget_after(20us, 64) < 21us);
    CHECK(spin_budget_after(20us, 500'000) == 120us);
    CHECK(spin_budget_after(20us, std::uint64_t{1} << 30) == 270us);
    CHECK(spin_budget_after(0us, std::uint64_t{1} << 30) == 0us);  // latency: park, or one core
}

TEST_CASE("a worker that waits on its read-only mapping is woken by the host") {
    testing::Channel channel = testing::make_channel();
    WorkerCell& cell = channel.to_worker.worker_cell(2);
    testing::Child worker([&] {
        const testing::WorkerEnds ends = testing::map_worker_ends(channel);
        const auto& bell = ends.from_host.worker_cell(2).bell;
        return wait_for_bell(bell, [&](SteadyTime deadline) { futex_wait(bell, 0, deadline); });
    });
    CHECK(testing::look_until([&] { return testing::is_asleep(worker.pid(), worker.pid()); }));
    ring_bell(cell.bell);
    CHECK(worker.outcome() == "");
}

TEST_CASE("waking those who sleep on a word that is no longer there wakes nobody and harms nobody") {
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const place = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(place != MAP_FAILED);
    const auto& word = *new (place) std::atomic<std::uint32_t>(0);
    REQUIRE(::munmap(place, page) == 0);
    futex_wake(word);  // says EFAULT to itself
}

// Rings the bell in the worker outbox once the host's thread is asleep.
std::string ring_when_asleep(const testing::Channel& channel, pid_t host) {
    const testing::WorkerEnds ends = testing::map_worker_ends(channel);
    if (!testing::look_until([&] { return testing::is_asleep(host, host); })) {
        return "the host never slept";
    }
    ring_bell(ends.to_host.header().bell);
    return {};
}

TEST_CASE("a host that waits on two words is woken by the worker's bell") {
    const testing::Channel channel = testing::make_channel();
    const pid_t host = ::getpid();
    testing::Child worker([&] { return ring_when_asleep(channel, host); });
    const std::atomic<std::uint32_t> own{5};
    const auto& bell = channel.from_worker.header().bell;
    CHECK(wait_for_bell(bell, [&](SteadyTime deadline) { futex_wait_either(bell, 0, own, 5, deadline); }) == "");
    CHECK(worker.outcome() == "");
}

TEST_CASE("a host that waits on two words is woken by its own word") {
    const testing::Channel channel = testing::make_channel();
    const auto& bell = channel.from_worker.header().bell;
    std::atomic<std::uint32_t> own{0};
    const pid_t waiter = ::gettid();
    std::thread supervisor([&] {
        testing::look_until([&] { return testing::is_asleep(::getpid(), waiter); });
        ring_bell(own);
    });
    CHECK(wait_for_bell(own, [&](SteadyTime deadline) { futex_wait_either(bell, 0, own, 0, deadline); }) == "");
    supervisor.join();
    CHECK_FALSE(rung(bell, 0));
}

TEST_CASE("a host that waits on three words is woken by each of them") {
    const pid_t waiter = ::gettid();
    for (std::size_t rung_one = 0; rung_one < 3; ++rung_one) {
        std::array<std::atomic<std::uint32_t>, 3> words{};
        std::thread ringer([&] {
            testing::look_until([&] { return testing::is_asleep(::getpid(), waiter); });
            ring_bell(words[rung_one]);
        });
        const auto wait = [&](SteadyTime deadline) {
            futex_wait_any({words[0], 0}, {words[1], 0}, {words[2], 0}, deadline);
        };
        CHECK(wait_for_bell(words[rung_one], wait) == "");
        ringer.join();
    }
}

TEST_CASE("one ring wakes every process that waits") {
    testing::Channel channel = testing::make_channel();
    const auto wait = [&] {
        const testing::WorkerEnds ends = testing::map_worker_ends(channel);
        const auto& bell = ends.from_host.worker_cell(0).bell;
        return wait_for_bell(bell, [&](SteadyTime deadline) { futex_wait(bell, 0, deadline); });
    };
    testing::Child first(wait);
    testing::Child second(wait);
    for (const pid_t pid : {first.pid(), second.pid()}) {
        CHECK(testing::look_until([&] { return testing::is_asleep(pid, pid); }));
    }
    ring_bell(channel.to_worker.worker_cell(0).bell);
    CHECK(first.outcome() == "");
    CHECK(second.outcome() == "");
}

TEST_CASE("nobody sleeps on a word that has changed already") {
    const std::atomic<std::uint32_t> word{1};
    const std::atomic<std::uint32_t> still{7};
    const SteadyTime start = Clock::now();
    futex_wait(word, 0, kNoDeadline);
    futex_wait_either(word, 0, still, 7, kNoDeadline);
    futex_wait_either(still, 7, word, 0, kNoDeadline);
    futex_wait_any({still, 7}, {still, 7}, {word, 0}, kNoDeadline);
    CHECK(Clock::now() - start < testing::kPatience);
}

// How often `wait` returned before the deadline had passed.
template <typename Wait>
int returns_before(SteadyTime deadline, Wait&& wait) {
    int returns = 0;
    for (;;) {
        wait();
        if (Clock::now() >= deadline) {
            return returns;
        }
        ++returns;
    }
}

TEST_CASE("a wait ends at its deadline and costs no time on the core until then") {
    const std::atomic<std::uint32_t> word{0};
    const std::atomic<std::uint32_t> own{0};
    const SteadyTime start = Clock::now();
    const SteadyTime first = start + 20ms;
    CHECK(returns_before(first, [&] { futex_wait(word, 0, first); }) <= 3);
    const SteadyTime second = Clock::now() + 20ms;
    CHECK(returns_before(second, [&] { futex_wait_either(word, 0, own, 0, second); }) <= 3);
    CHECK(Clock::now() - start < testing::kPatience);
}

TEST_CASE("a deadline that has passed ends a wait at once") {
    const std::atomic<std::uint32_t> word{0};
    const SteadyTime start = Clock::now();
    for (const SteadyTime past : {start, start - 1h, SteadyTime{}}) {
        futex_wait(word, 0, past);
        futex_wait_either(word, 0, word, 0, past);
    }
    CHECK(Clock::now() - start < testing::kPatience);
}

}  // namespace
}  // namespace bulkhead::transport
