// The host's side of a channel as LAYOUT.md tells it, in its plainest form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/channel.hpp"
#include "support/until.hpp"

namespace bulkhead::transport::testing {

// One lane with one worker that echoes, see ModelWorker. Checks each answer as the host must. One thread.
class ModelHost {
  public:
    ModelHost(Channel& channel, std::uint32_t cell, std::uint32_t incarnation);

    // Admits and publishes a call. False: no call slot, no ring slot or no room in the slab now.
    bool submit(std::vector<std::byte> request, bool traced);

    // Cancels one open call, if there is one.
    void cancel_any(std::uint64_t choice);

    // Waits for one answer and checks it. Empty: it was right.
    std::string receive();

    void shut_down();

    std::size_t open_calls() const noexcept { return open_; }
    std::uint64_t skipped() const noexcept { return skipped_; }
    std::uint64_t slab_replies() const noexcept { return slab_replies_; }

  private:
    struct Call {
        std::uint64_t id = 0;
        std::uint64_t position = 0;
        std::uint64_t generation = 0;
        std::vector<std::byte> request;
        std::optional<std::uint64_t> block;
        bool traced = false;
        bool cancelled = false;
        bool had_begun = false;  // when it was cancelled
        bool open = false;
    };

    std::string wait_for_reply();
    std::string check(const Message& reply);
    std::string check_payload(const Message& reply, const Call& call);
    void close(Call& call);
    void ring_worker(const std::atomic<std::uint32_t>& flag);

    Channel* channel_;
    WorkerCell* cell_;
    std::uint32_t incarnation_;
    const WorkerOutboxHeader* header_;
    RingReader replies_;
    std::vector<Call> calls_;
    std::size_t open_ = 0;
    std::uint64_t skipped_ = 0;
    std::uint64_t slab_replies_ = 0;
    std::atomic<std::uint32_t> own_word_{0};
};

}  // namespace bulkhead::transport::testing
