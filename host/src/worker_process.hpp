// The host's side of one worker process.
#pragma once

#include <algorithm>
#include <atomic>
#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/host_outbox.hpp>
#include <bulkhead/transport/launch_protocol.hpp>
#include <bulkhead/transport/ring.hpp>
#include <bulkhead/transport/waiting.hpp>
#include <bulkhead/transport/worker_outbox.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "answered_calls.hpp"
#include "bulkhead/host/report.hpp"
#include "known_process.hpp"
#include "log_relay.hpp"
#include "session_pin.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

// Everything the host holds for one worker. Owned by its lane, and shared with callers that still look at its outbox.
// Guarded by the lane's mutex but for what is set before the order and never again.
struct WorkerProcess : std::enable_shared_from_this<WorkerProcess> {
    // Set before the order.
    std::uint32_t incarnation = 0;
    std::uint32_t cell = 0;
    std::uint64_t start_id = 0;
    SteadyTime ordered_at;
    transport::Descriptor output;  // pipe: its stdout and stderr, with a zero byte wherever it calls the supervisor
    // What is passed on with the order; closed once started.
    transport::Descriptor output_far;  // the pipe's other end, and once more ...
    transport::Descriptor signal;      // ... so that writing to it never blocks
    // Closed once ready: from then on nobody can map it again, nor take its pages away.
    transport::Descriptor outbox_segment;
    transport::WorkerOutboxView view;
    // The host outbox that it maps, until it takes over with it; null: the lane's.
    std::shared_ptr<transport::HostOutbox> fresh_outbox;

    std::int64_t chosen_pid = 0;  // it may have done all that it was started for before the host has noted `process`
    // Set when it has its order.
    KnownProcess process;
    transport::Descriptor death;  // pidfd; only from the end of its output to its own
    std::uint64_t output_watch = 0;
    std::uint64_t death_watch = 0;

    bool reading_posted = false;  // supervisor thread: it goes on with reading the replies soon

    transport::RingReader replies;
    AnsweredCalls answered;
    std::uint64_t begun = 0;            // last seen in the outbox; never goes back
    LogRingReader log;                  // supervisor thread
    LastWords last_words;               // supervisor thread
    std::uint64_t progress = 0;         // what it has begun and answered when the lane last looked for hangs, and ...
    transport::SteadyTime progress_at;  // ... since when it is that
    std::uint64_t serves_from = transport::kNoPosition;  // it serves the positions from here ...
    std::uint64_t serves_to = transport::kNoPosition;    // ... to here
    transport::SteadyTime took_over_at;
    transport::SteadyTime recycle_at = transport::kNoDeadline;
    std::uint64_t recycle_from = transport::kNoPosition;  // a request at this position is one too many
    std::uint64_t memory_looked_at = 0;                   // the head of the requests when it was measured last
    transport::SteadyTime memory_look_next;
    std::uint64_t reply_touched = 0;          // of its slab, up to the end of a reply
    std::uint64_t checkpoint = 0;             // sequence of the last one that was taken
    std::uint64_t checkpoint_position = 0;    // calls below it are in that one if ...
    std::uint32_t checkpoint_open_calls = 0;  // ... this is 0
    bool superseded = false;                  // its successor began with that checkpoint: a later one comes too late
    bool serving = false;                     // activated
    bool served_well = false;                 // it answered a call
    bool handing_over = false;                // it was told where to stop
    transport::SteadyTime handing_over_at;
    bool crashing = false;  // its crash handler gave notice
    transport::SteadyTime crashing_at;
    bool crash_overdue = false;  // and that took so long that it was killed
    bool ready = false;
    bool accused = false;  // it broke a rule: its ring is not read any more
    bool dead = false;
    bool blameless = false;     // it died with its fork server
    bool status_known = false;  // `exit` is valid, or will never come
    transport::SteadyTime ready_at;
    transport::SteadyTime died_at;
    std::optional<transport::ExitedMessage> exit;
    bool killed = false;         // by the host
    bool cut_off = false;        // because its time to end was over
    std::optional<Cause> cause;  // the host's own reason to end it: the first wins
    std::string detail;
    std::uint64_t overdue_call = 0;                // the id of the call that it is ended for, if it hangs; and ...
    bool stands_still = false;                     // ... since that was due it has begun nothing, and answered nothing
    SteadyTime stack_by = transport::kNoDeadline;  // it is being ended because time is over; then it is killed at last
    std::string stack_note;                        // why it did not say where it is
    std::map<std::uint64_t, SteadyTime> unlimited_since;  // watchdog: calls without a deadline, first seen begun when
    std::atomic<std::uint64_t> slab_present{0};           // below this offset its pages are there, and stay
    const std::shared_ptr<WorkerLife> life = std::make_shared<WorkerLife>();  // what sessions are pinned to

    // Since when it could serve.
    transport::SteadyTime began_at() const noexcept { return std::max(took_over_at, ready_at); }
    // How far it has come, as it says.
    transport::Life life_said() const noexcept;
    // It runs no code of the plugin's, or only what comes before readiness.
    bool is_loading() const noexcept;
    // It served, or stood by. One that has begun a call served, whatever else it says: it may have written over that
    // before the host looked.
    bool was_in_service() const noexcept;
    // The thread that runs its calls has ended, as the kernel says, or itself.
    bool has_lost_dispatcher() const noexcept;
    // It may be dead, and nothing would tell.
    bool is_out_of_sight() const noexcept;
    // It died before it had read its order.
    bool is_lost_blank() const noexcept;
    // 0: it is gone, or not yet there.
    std::int64_t pid() const noexcept;
    // 0: not known.
    std::uint64_t resident_bytes() const noexcept;
    // By one that the host did not send; once its exit status is known, and the next two as well.
    bool died_by_own_signal() const noexcept;
    // It was asked to end, and died, or left before it had come to the end of that.
    bool failed_to_stop() const noexcept;
    // It was asked to end, did not in time, and had begun to serve.
    bool was_cut_off() const noexcept;
    // In a thread of the plugin's own.
    bool crashed_aside() const noexcept;
    // Sends SIGKILL; nothing when it is gone or not yet there.
    void kill() noexcept;
    // The same for one that was asked to end, and whose time for that is over.
    void cut_off_stop() noexcept;
    // Once ready. From then on its outbox is as it is: nobody can map it again, or take pages out of it, which
    // would be a SIGBUS in a reader when the machine has no others to give.
    void close_outbox() noexcept;
    // Before its reply slab is read there; the place was checked. Pages that a lying worker never touched are zeros
    // then, and count as if it had touched them. Without the mutex. False: the machine has no memory for them.
    bool make_present(std::uint64_t offset, std::size_t size) noexcept;
    // Copies out of its reply slab, under the same conditions.
    bool read_slab(std::uint64_t offset, std::span<std::byte> target) noexcept;
    // Remembers why, unless something else came first, and kills.
    void end(Cause why, std::string explanation);
    // The same for one whose time is over, which is asked first where it is: it has until `stack_by` to write that
    // down.
    void end_overdue(Cause why, std::string explanation);
    // Kills one that is being ended so when it has, or did not in time. False: it still may.
    bool finish_overdue(SteadyTime now);
};

}  // namespace bulkhead::detail
