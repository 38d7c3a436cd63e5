// The floor under many calls at once: the channel's two rings and nothing around them.
#pragma once

#include <bulkhead/transport/ring.hpp>
#include <cstddef>
#include <cstdint>

#include "peer.hpp"

namespace bulkhead::bench {

// Messages with 64 bytes go to another process through one ring and come back through another. The answering process
// is tied to `core`. One thread.
class BareRing {
  public:
    static constexpr std::uint32_t kSlots = 1024;
    static constexpr std::uint32_t kPayload = 64;

    explicit BareRing(int core);

    // Sends so many messages, never more than `window` ahead of what came back.
    void echo(std::uint64_t messages, std::uint64_t window);

  private:
    SharedMemory memory_;
    Peer peer_;
    transport::RingWriter requests_;
    transport::RingReader replies_;
};

}  // namespace bulkhead::bench
