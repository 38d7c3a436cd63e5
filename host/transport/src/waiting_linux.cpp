#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "bulkhead/transport/waiting.hpp"

namespace bulkhead::transport {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

timespec to_timespec(SteadyTime time) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
    return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

// FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, which is what steady_clock counts on Linux.
long wait_bitset(const std::atomic<std::uint32_t>& word, std::uint32_t seen, const timespec* until) {
    return ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, seen, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

// The first word is the one that is rung most, the second one of this process.
template <std::size_t Count>
void wait_several(const std::array<SeenWord, Count>& seen_words, SteadyTime deadline) noexcept {
    std::array<futex_waitv, Count> words{};
    for (std::size_t index = 0; index < Count; ++index) {
        const SeenWord& seen = seen_words[index];
        words[index] = {seen.seen, reinterpret_cast<std::uintptr_t>(&seen.word), FUTEX_32, 0};
    }
    const timespec until = to_timespec(deadline == kNoDeadline ? SteadyTime{} : deadline);
    const timespec* timeout = deadline == kNoDeadline ? nullptr : &until;
    const long result = ::syscall(SYS_futex_waitv, words.data(), words.size(), 0, timeout, CLOCK_MONOTONIC);
    if (result < 0 && (errno == ENOSYS || errno == EPERM)) {
        // A kernel before 5.16, or a container that filters the call: look at the own word often enough.
        constexpr auto kSlice = std::chrono::milliseconds(1);
        const SeenWord& shared = seen_words[0];
        const SeenWord& own = seen_words[1];
        if (own.word.load(std::memory_order_acquire) == own.seen) {
            futex_wait(shared.word, shared.seen, std::min(deadline, std::chrono::steady_clock::now() + kSlice));
        }
    }
}

cpu_set_t usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) {
        CPU_ZERO(&set);
    }
    return set;
}

void stay_on(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

// While it lives, threads that are made take no signals: those are the server's.
class SignalsBlocked {
  public:
    SignalsBlocked() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_{};
};

// Half of the median round trip of two threads that wake each other, each on a core of its own: on one core they would
// take turns, which costs a fraction.
std::chrono::nanoseconds measure_wake_up(int asking_core, int answering_core) {
    constexpr std::uint32_t kRounds = 15;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    std::atomic<std::uint32_t> ping{0};
    std::atomic<std::uint32_t> pong{0};
    const auto await = [&](const std::atomic<std::uint32_t>& word, std::uint32_t seen) {
        while (word.load(std::memory_order_acquire) == seen && std::chrono::steady_clock::now() < deadline) {
            futex_wait(word, seen, deadline);
        }
    };
    const auto answer = [&] {
        stay_on(answering_core);
        for (std::uint32_t round = 0; round < kRounds; ++round) {
            await(ping, round);
            ring_bell(pong);
        }
    };
    std::array<std::chrono::nanoseconds, kRounds> times{};
    const auto ask = [&] {
        stay_on(asking_core);
        for (std::uint32_t round = 0; round < kRounds; ++round) {
            const auto start = std::chrono::steady_clock::now();
            ring_bell(ping);
            await(pong, round);
            times[round] = std::chrono::steady_clock::now() - start;
        }
    };
    const SignalsBlocked blocked;
    {
        // Threads of our own: the caller's core is the server's business. Joined also when there is no second one.
        const std::jthread answering(answer);
        const std::jthread asking(ask);
    }
    std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
    return times[kRounds / 2] / 2;
}

// The first usable core from `from` on; `from` is below CPU_SETSIZE.
int next_core(const cpu_set_t& usable, int from) {
    int core = from;
    while (!CPU_ISSET(core, &usable)) {
        core = (core + 1) % CPU_SETSIZE;
    }
    return core;
}

}  // namespace

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, SteadyTime deadline) noexcept {
    if (deadline == kNoDeadline) {
        wait_bitset(word, seen, nullptr);
        return;
    }
    const timespec until = to_timespec(deadline);
    wait_bitset(word, seen, &until);
}

void futex_wait_either(const std::atomic<std::uint32_t>& shared_word, std::uint32_t shared_seen,
                       const std::atomic<std::uint32_t>& own_word, std::uint32_t own_seen,
                       SteadyTime deadline) noexcept {
    wait_several(std::array{SeenWord{shared_word, shared_seen}, SeenWord{own_word, own_seen}}, deadline);
}

void futex_wait_any(SeenWord shared, SeenWord own, SeenWord rare, SteadyTime deadline) noexcept {
    wait_several(std::array{shared, own, rare}, deadline);
}

void futex_wake(const std::atomic<std::uint32_t>& word) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
}

std::chrono::nanoseconds wake_up_cost() {
    using namespace std::chrono_literals;
    const cpu_set_t usable = usable_cores();
    if (CPU_COUNT(&usable) < 2) {
        return 0ns;
    }
    try {
        static const std::chrono::nanoseconds cost = [&usable] {
            const int asking = next_core(usable, 0);
            const int answering = next_core(usable, (asking + 1) % CPU_SETSIZE);
            return std::clamp<std::chrono::nanoseconds>(measure_wake_up(asking, answering), 5us, 100us);
        }();
        return cost;
    } catch (const std::system_error&) {
        return 0ns;
    }
}

}  // namespace bulkhead::transport
