// The floor under a call: two processes that only tell each other that it is their turn.
#pragma once

#include <atomic>
#include <cstdint>

#include "peer.hpp"

namespace bulkhead::bench {

// What both processes see: a line for each direction, far enough apart that no prefetcher couples them.
struct PingPongLines {
    alignas(256) std::atomic<std::uint32_t> ping;
    alignas(256) std::atomic<std::uint32_t> pong;
};

// Both spin on a cache line. The answering process is tied to `core`; the caller sees to its own thread.
class SpinningPingPong {
  public:
    explicit SpinningPingPong(int core);
    // There and back once.
    void round_trip() noexcept;

  private:
    SharedMemory memory_;
    std::uint32_t turn_ = 0;
    Peer peer_;
};

// Both sleep on a futex until it is their turn.
class SleepingPingPong {
  public:
    explicit SleepingPingPong(int core);
    void round_trip() noexcept;

  private:
    SharedMemory memory_;
    std::uint32_t turn_ = 0;
    Peer peer_;
};

}  // namespace bulkhead::bench
