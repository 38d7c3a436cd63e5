#include "bare_touches.hpp"

#include <bulkhead/transport/waiting.hpp>

#include "plugins/bench_echo/touches.h"

namespace bulkhead::bench {
namespace {

void await(std::atomic<std::uint32_t>& line, std::atomic<std::uint32_t>& sleeps, std::uint32_t turn,
           std::chrono::nanoseconds spin) noexcept {
    const auto is_turn = [&] { return line.load(std::memory_order_acquire) == turn; };
    if (transport::spin_until(is_turn, spin)) {
        return;
    }
    sleeps.store(1, std::memory_order_relaxed);
    transport::full_fence();
    while (!is_turn()) {
        transport::futex_wait(line, turn - 1, transport::kNoDeadline);
    }
    sleeps.store(0, std::memory_order_relaxed);
}

void pass(std::atomic<std::uint32_t>& line, const std::atomic<std::uint32_t>& sleeps, std::uint32_t turn) noexcept {
    line.store(turn, std::memory_order_release);
    transport::full_fence();
    if (sleeps.load(std::memory_order_relaxed) != 0) {
        transport::futex_wake(line);
    }
}

}  // namespace

BareTouches::BareTouches(std::size_t size, std::chrono::nanoseconds spin, int core)
    : size_(size), spin_(spin), memory_(kRequest + 2 * size), peer_(core, [this] { run(); }) {}

void BareTouches::run() noexcept {
    auto& turns = memory_.at<Turns>();
    for (std::uint32_t turn = 1;; ++turn) {
        await(turns.ping, turns.answerer_sleeps, turn, spin_);
        touch_fill(answer(), size_, touch_sum(request(), size_));
        pass(turns.pong, turns.caller_sleeps, turn);
    }
}

bool BareTouches::round_trip() {
    auto& turns = memory_.at<Turns>();
    ++turn_;
    touch_fill(request(), size_, turn_);
    pass(turns.ping, turns.answerer_sleeps, turn_);
    await(turns.pong, turns.caller_sleeps, turn_, spin_);
    const std::uint64_t words = size_ / sizeof(std::uint64_t);
    const std::uint64_t steps = words * (words - 1) / 2;
    return touch_sum(answer(), size_) == words * (words * turn_ + steps) + steps;
}

}  // namespace bulkhead::bench
