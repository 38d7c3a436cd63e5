// How a thread waits for the other process: futex words, the fence between them, the spin pause.
//
// The rule that loses no wake-up (Dekker): the waiter stores "I wait", fences, looks again, sleeps; the waker
// publishes, fences, looks whether anybody waits, wakes. At least one of them sees the other.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace bulkhead::transport {

using SteadyTime = std::chrono::steady_clock::time_point;
inline constexpr SteadyTime kNoDeadline = SteadyTime::max();

inline void full_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

inline void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield" ::: "memory");
#endif
}

// Sleeps while `word` is `seen`, until woken or the deadline. May return early. The word may lie in shared
// memory that this process maps read-only.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, SteadyTime deadline) noexcept;

// The same on a word in shared memory and one of this process at once.
void futex_wait_either(const std::atomic<std::uint32_t>& shared_word, std::uint32_t shared_seen,
                       const std::atomic<std::uint32_t>& own_word, std::uint32_t own_seen,
                       SteadyTime deadline) noexcept;

// A futex word, and what it was when its waiter looked.
struct SeenWord {
    const std::atomic<std::uint32_t>& word;
    std::uint32_t seen;
};

// The same with two words in shared memory. Where the kernel cannot wait on several, `rare` does not wake.
void futex_wait_any(SeenWord shared, SeenWord own, SeenWord rare, SteadyTime deadline) noexcept;

// Wakes all who sleep on the word, in every process.
void futex_wake(const std::atomic<std::uint32_t>& word) noexcept;

// Changes the word and wakes. The single writer of a bell is a process; any of its threads may ring.
inline void ring_bell(std::atomic<std::uint32_t>& bell) noexcept {
    bell.fetch_add(1, std::memory_order_release);
    futex_wake(bell);
}

// Spins until `done()` or for at most `budget`. Looks at the clock rarely, and gives up at once when it sees that it
// was preempted: then somebody else needs the core. True when done.
//
// It begins with pauses that are over before the quickest answer can be there: where two cores are threads of one, the
// peer has all of it meanwhile. The first looks after that, about as many as a quick answer takes, have no pause
// between them and no clock before them: either would be a part of the answer's time.
template <typename Done>
bool spin_until(Done&& done, std::chrono::nanoseconds budget) {
    constexpr int kFirstPauses = 2;  // 90 ns together; a call takes 300 at least
    constexpr int kFirstLooks = 256;
    constexpr int kLooksPerClock = 64;
    constexpr auto kPreempted = std::chrono::microseconds(25);
    if (done()) {
        return true;
    }
    if (budget <= budget.zero()) {
        return false;
    }
    for (int pause = 0; pause < kFirstPauses; ++pause) {
        spin_pause();
    }
    for (int look = 0; look < kFirstLooks; ++look) {
        if (done()) {
            return true;
        }
    }
    const SteadyTime start = std::chrono::steady_clock::now();
    SteadyTime last = start;
    for (;;) {
        for (int look = 0; look < kLooksPerClock; ++look) {
            if (done()) {
                return true;
            }
            spin_pause();
        }
        const SteadyTime now = std::chrono::steady_clock::now();
        if (now - start >= budget || now - last > kPreempted) {
            return done();
        }
        last = now;
    }
}

// How long to spin when `payload` bytes were handed over last: what a wake-up costs, counted from when the peer can
// have moved them. It copies twice before it has anything to say, the caller its reply and the next request; to sleep
// meanwhile, and be woken, would cost a call of a megabyte half as much again as one of its copies. 5 bytes in a
// nanosecond are two copies one after the other where each moves 10; 250 us at most, because beside
// the copies of more than that a wake-up is small. A budget of zero stays zero.
inline std::chrono::nanoseconds spin_budget_after(std::chrono::nanoseconds budget, std::uint64_t payload) noexcept {
    constexpr std::uint64_t kBytesPerNanosecond = 5;
    constexpr std::uint64_t kMostNanoseconds = 250'000;
    return budget > budget.zero()
               ? budget + std::chrono::nanoseconds(std::min(payload / kBytesPerNanosecond, kMostNanoseconds))
               : budget;
}

// What one wake-up costs on this machine: measured at the first call (about a millisecond), then remembered.
// Zero with a single usable core, where spinning can only delay whom it waits for; and, not remembered, when there are
// no threads to measure it with. Any thread.
std::chrono::nanoseconds wake_up_cost();

}  // namespace bulkhead::transport
