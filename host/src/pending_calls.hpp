// The calls of a lane that have no outcome yet, or whose worker has not let go of them.
#pragma once

#include <bulkhead/transport/layout.hpp>
#include <bulkhead/transport/ring.hpp>
#include <bulkhead/transport/waiting.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bulkhead/host/error.hpp"

namespace bulkhead::detail {

struct SessionPin;
struct WorkerProcess;

// What became of a call, before whoever waits for it makes a result of it.
struct Outcome {
    bool replied = false;  // then `message` is the worker's answer; else `code` says why there is none
    ErrorCode code = ErrorCode::stopped;
    Effect effect = Effect::none;
    std::shared_ptr<const Report> report;
    std::optional<transport::SteadyTime> next_try;
    transport::Message message;
    std::shared_ptr<WorkerProcess> worker;  // keeps the slab of a large answer mapped

    // Nothing: the plugin's reply.
    std::optional<ErrorCode> error() const noexcept {
        if (!replied) {
            return code;
        }
        switch (static_cast<transport::Kind>(message.kind)) {
            case transport::Kind::reply:
                return std::nullopt;
            case transport::Kind::plugin_error:
                return ErrorCode::plugin_failed;
            default:
                return ErrorCode::too_large;
        }
    }
};

// Who waits for an outcome. `done` and `outcome` are guarded by the lane's mutex.
struct Waiter {
    bool asynchronous = false;
    bool done = false;
    Outcome outcome;
};

// One call. `state` says who may still touch it:
//   preparing  its caller copies the request; not published
//   open       published; no outcome
//   decided    has its outcome; stays until the worker has answered it or is dead (`released`), and until a
//              large answer has been copied out (`held`)
struct PendingCall {
    enum class State : std::uint8_t { free, preparing, open, decided };

    State state = State::free;
    bool released = false;
    bool held = false;
    bool idempotent = false;
    bool ran = false;      // decided while the worker may have been running it
    bool patient = false;  // waits for a worker even when none is on its way
    bool lost = false;     // its session's worker is gone: no other may begin it; decided when the report is there
    bool suspect = false;  // it had begun in a worker that died of one of several calls
    std::uint8_t attempts = 0;
    std::uint64_t answer_waits_for = 0;  // the call that, as its worker once said, keeps its answer back; 0: none
    std::uint64_t id = 0;                // generation << 16 | index; 0 is no call
    std::uint64_t position = transport::kNoPosition;
    std::optional<std::uint64_t> block;  // request in the slab
    transport::SteadyTime begin;
    transport::SteadyTime deadline;
    transport::Message message;           // as published, so that it can be published again
    Waiter* waiter = nullptr;             // null once decided
    std::shared_ptr<SessionPin> session;  // null: any worker may serve it
};

// A table of fixed size; a call's index is the low 16 bits of its id. No allocation after construction, but a slot's
// memory is not touched before it is used first. Guarded by the lane's mutex.
class PendingCalls {
  public:
    explicit PendingCalls(std::uint32_t slots);

    // A call in state preparing with a fresh id; null when all are in use.
    PendingCall* acquire();
    // The call with this id, whatever its state but free; null: there is none.
    PendingCall* find(std::uint64_t id);
    void give_back(PendingCall& call);

    bool has_room() const noexcept { return in_use() < slots_; }
    std::size_t in_use() const noexcept { return calls_.size() - free_.size(); }
    static std::uint32_t index_of(std::uint64_t id) noexcept { return static_cast<std::uint32_t>(id & 0xFFFF); }

    // All calls in state open or decided, in order of position.
    std::vector<PendingCall*> published();
    // The table as it lies there. Needs no memory.
    std::span<PendingCall> all() noexcept { return calls_; }

  private:
    const std::uint32_t slots_;
    std::vector<PendingCall> calls_;  // those that were ever used; never moves, because it has room for all
    std::vector<std::uint32_t> free_;
};

}  // namespace bulkhead::detail
