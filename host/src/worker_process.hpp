// The host's side of one worker process.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/launch_protocol.hpp>
#include <bulkhead/transport/ring.hpp>
#include <bulkhead/transport/waiting.hpp>
#include <bulkhead/transport/worker_outbox.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bulkhead/host/report.hpp"
#include "log_relay.hpp"
#include "session_pin.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {

// Everything the host holds for one worker. Owned by its lane, and shared with callers that still look at its outbox.
// Guarded by the lane's mutex but for what is set before the order and never again.
struct WorkerProcess {
    // Set before the order.
    std::uint32_t incarnation = 0;
    std::uint32_t cell = 0;
    std::uint64_t start_id = 0;
    transport::SteadyTime ordered_at;
    transport::Descriptor outbox_segment;
    transport::Descriptor signal;      // eventfd
    transport::Descriptor output;      // read end of its stdout and stderr
    transport::Descriptor output_far;  // write end; closed once started
    transport::WorkerOutboxView view;

    // Set when the fork server answers.
    transport::Descriptor pidfd;
    std::uint64_t signal_watch = 0;
    std::uint64_t output_watch = 0;
    std::uint64_t pidfd_watch = 0;

    transport::RingReader replies;
    std::uint64_t begun = 0;           // last seen in the outbox; never goes back
    LogRingReader log;                 // supervisor thread
    LastWords last_words;              // supervisor thread
    std::uint64_t progress_begun = 0;  // `begun` when the lane last looked for hangs, and since when it is that
    transport::SteadyTime progress_at;
    bool ready = false;
    bool accused = false;  // it broke a rule: its ring is not read any more
    bool dead = false;
    bool blameless = false;        // it died with its fork server
    bool restart_counted = false;  // its replacement counts towards the restart limit
    bool status_known = false;     // `exit` is valid, or will never come
    transport::SteadyTime ready_at;
    transport::SteadyTime died_at;
    std::optional<transport::ExitedMessage> exit;
    std::optional<Cause> cause;  // the host's own reason to end it: the first wins
    std::string detail;
    const std::shared_ptr<WorkerLife> life = std::make_shared<WorkerLife>();  // what sessions are pinned to

    // 0: it is gone.
    std::int64_t pid() const noexcept;
    // Sends SIGKILL; nothing when it is gone or not yet there.
    void kill() noexcept;
    // Copies out of its reply slab; the place was checked. Reads the file, not the mapping: pages that a lying worker
    // never touched are zeros then, and cost the host no memory. Without the mutex. False: the file cannot be read.
    bool read_slab(std::uint64_t offset, std::span<std::byte> target) const noexcept;
    // Remembers why, unless something else came first, and kills.
    void end(Cause why, std::string explanation);
};

}  // namespace bulkhead::detail
