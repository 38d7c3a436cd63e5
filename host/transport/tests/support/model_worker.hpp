// The worker's side of a channel as LAYOUT.md tells it, in its plainest form.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bulkhead/transport/slab.hpp"
#include "support/channel.hpp"
#include "support/until.hpp"

namespace bulkhead::transport::testing {

// What a model worker answers: each byte of the request changed by this.
inline constexpr std::byte kEchoMask{0x5A};

// Answers each request in order. Lives in the child of a test; one thread.
class ModelWorker {
  public:
    ModelWorker(const Channel& channel, std::uint32_t cell, std::uint32_t incarnation);

    // Serves until it is shut down. Empty: in order; otherwise what was wrong.
    std::string serve();

  private:
    void answer(const Message& request, std::uint64_t position);
    void echo(const Message& request, Message& reply);
    void publish(const Message& reply);
    std::byte* place_for(Message& reply);
    void take_back_released_blocks();

    // Parks until `ready()` or for too long.
    template <typename Ready>
    bool park_until(Ready&& ready, std::atomic<std::uint32_t>& flag) {
        const SteadyTime deadline = std::chrono::steady_clock::now() + kPatience;
        while (!ready() && std::chrono::steady_clock::now() < deadline) {
            const std::uint32_t seen = cell_->bell.load(std::memory_order_acquire);
            flag.store(1, std::memory_order_relaxed);
            full_fence();
            if (!ready()) {
                futex_wait(cell_->bell, seen, deadline);
            }
            flag.store(0, std::memory_order_relaxed);
        }
        return ready();
    }

    WorkerEnds ends_;
    const WorkerCell* cell_;
    WorkerOutboxHeader* header_;
    std::uint32_t incarnation_;
    Slab slab_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> open_blocks_;  // call id, offset
};

}  // namespace bulkhead::transport::testing
