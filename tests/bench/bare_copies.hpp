// The floor under a large payload: it is copied three times by two processes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "peer.hpp"

namespace bulkhead::bench {

// An echo by nothing but copies: into shared memory, by the other process to another place in it, and out of it. Both
// spin on a line to know when it is their turn. The other process is tied to `core`. One thread.
class BareCopies {
  public:
    BareCopies(std::size_t size, int core);

    // The first and the last byte came back.
    bool echo();

  private:
    struct Turns {
        alignas(256) std::atomic<std::uint32_t> ping;
        alignas(256) std::atomic<std::uint32_t> pong;
    };
    static constexpr std::size_t kRequest = 4096;  // offset in the memory, behind the turns

    std::size_t reply_offset() const noexcept { return kRequest + size_; }
    void answer() noexcept;

    std::size_t size_;
    SharedMemory memory_;
    std::vector<std::byte> source_;
    std::vector<std::byte> target_;
    std::uint32_t turn_ = 0;
    Peer peer_;
};

}  // namespace bulkhead::bench
