// The floor under calls in place: two processes touch the same bytes of a bare shared mapping.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "peer.hpp"

namespace bulkhead::bench {

// One process writes a request, the other reads it and writes an answer, the first reads that. They wait for each other
// as a host and its worker do: spinning for as long as a wake-up costs, then asleep on a futex. The other process is
// tied to `core`. One thread.
class BareTouches {
  public:
    BareTouches(std::size_t size, std::chrono::nanoseconds spin, int core);

    // The answer is right.
    bool round_trip();

  private:
    struct Turns {
        alignas(256) std::atomic<std::uint32_t> ping;
        alignas(256) std::atomic<std::uint32_t> caller_sleeps;
        alignas(256) std::atomic<std::uint32_t> pong;
        alignas(256) std::atomic<std::uint32_t> answerer_sleeps;
    };
    static constexpr std::size_t kRequest = 4096;  // offset in the memory, behind the turns

    std::uint64_t* request() const noexcept { return &memory_.at<std::uint64_t>(kRequest); }
    std::uint64_t* answer() const noexcept { return &memory_.at<std::uint64_t>(kRequest + size_); }
    void run() noexcept;

    std::size_t size_;
    std::chrono::nanoseconds spin_;
    SharedMemory memory_;
    std::uint32_t turn_ = 0;
    Peer peer_;
};

}  // namespace bulkhead::bench
