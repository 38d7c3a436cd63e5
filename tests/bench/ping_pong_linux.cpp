#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "ping_pong.hpp"

namespace bulkhead::bench {
namespace {

// Without a pause: nothing is faster.
void spin_until(const std::atomic<std::uint32_t>& line, std::uint32_t turn) noexcept {
    while (line.load(std::memory_order_acquire) != turn) {
    }
}

void sleep_until(const std::atomic<std::uint32_t>& word, std::uint32_t turn) noexcept {
    for (std::uint32_t seen = word.load(std::memory_order_acquire); seen != turn;
         seen = word.load(std::memory_order_acquire)) {
        ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
}

void set_and_wake(std::atomic<std::uint32_t>& word, std::uint32_t turn) noexcept {
    word.store(turn, std::memory_order_release);
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void answer_spinning(PingPongLines& lines) noexcept {
    for (std::uint32_t turn = 1;; ++turn) {
        spin_until(lines.ping, turn);
        lines.pong.store(turn, std::memory_order_release);
    }
}

void answer_sleeping(PingPongLines& lines) noexcept {
    for (std::uint32_t turn = 1;; ++turn) {
        sleep_until(lines.ping, turn);
        set_and_wake(lines.pong, turn);
    }
}

}  // namespace

SpinningPingPong::SpinningPingPong(int core)
    : memory_(sizeof(PingPongLines)), peer_(core, [this] { answer_spinning(memory_.at<PingPongLines>()); }) {}

void SpinningPingPong::round_trip() noexcept {
    auto& lines = memory_.at<PingPongLines>();
    lines.ping.store(++turn_, std::memory_order_release);
    spin_until(lines.pong, turn_);
}

SleepingPingPong::SleepingPingPong(int core)
    : memory_(sizeof(PingPongLines)), peer_(core, [this] { answer_sleeping(memory_.at<PingPongLines>()); }) {}

void SleepingPingPong::round_trip() noexcept {
    auto& lines = memory_.at<PingPongLines>();
    set_and_wake(lines.ping, ++turn_);
    sleep_until(lines.pong, turn_);
}

}  // namespace bulkhead::bench
