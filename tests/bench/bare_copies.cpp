#include "bare_copies.hpp"

#include <cstring>

namespace bulkhead::bench {
namespace {

void await(const std::atomic<std::uint32_t>& line, std::uint32_t turn) noexcept {
    while (line.load(std::memory_order_acquire) != turn) {
    }
}

}  // namespace

BareCopies::BareCopies(std::size_t size, int core)
    : size_(size), memory_(kRequest + 2 * size), source_(size, std::byte{'x'}), target_(size), peer_(core, [this] {
          answer();
      }) {}

void BareCopies::answer() noexcept {
    auto& turns = memory_.at<Turns>();
    for (std::uint32_t turn = 1;; ++turn) {
        await(turns.ping, turn);
        std::memcpy(memory_.data() + reply_offset(), memory_.data() + kRequest, size_);
        turns.pong.store(turn, std::memory_order_release);
    }
}

bool BareCopies::echo() {
    auto& turns = memory_.at<Turns>();
    ++turn_;
    source_.front() = source_.back() = static_cast<std::byte>(turn_);
    std::memcpy(memory_.data() + kRequest, source_.data(), size_);
    turns.ping.store(turn_, std::memory_order_release);
    await(turns.pong, turn_);
    std::memcpy(target_.data(), memory_.data() + reply_offset(), size_);
    return target_.front() == source_.front() && target_.back() == source_.back();
}

}  // namespace bulkhead::bench
