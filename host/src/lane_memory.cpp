// Memory that a lane needed once is given back. Nobody can make holes in a sealed outbox, so the lane moves to a fresh
// one, together with a fresh worker:
//
//   much memory, little of it in use --> a worker is ordered that maps a fresh host outbox --> no request lies in the
//   slab: the serving worker hands over --> take_over() moves what has not begun, and the state --> the old outbox goes
//
// A request in the slab cannot move, since its caller may be writing to it. So if one came meanwhile, or the serving
// worker died with one, the fresh worker is ended and an ordinary one follows: calls wait for it, and none fails.
#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <memory>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

using transport::HostOutbox;
using transport::SteadyTime;

namespace {

constexpr std::uint64_t kKeptMemory = std::uint64_t{64} << 20;  // a slab of which no more was touched stays as it is
constexpr std::chrono::seconds kRest{10};  // for so long no more than an eighth of it was used; and between two tries
constexpr std::chrono::seconds kQuietPatience{1};  // how long a ready worker waits for a moment without large requests
constexpr std::chrono::milliseconds kQuietLook{10};  // how often such a moment is looked for then

bool copy_state(const HostOutbox& from, HostOutbox& to) {
    const auto state = from.state();
    if (!state) {
        return true;
    }
    const auto place = to.spare_state(state->size());
    if (!place) {
        return false;
    }
    std::copy(state->begin(), state->end(), place->begin());
    to.commit_state(from.state_version(), state->size());
    return true;
}

}  // namespace

HostOutbox& Lane::outbox_of(WorkerProcess& worker) { return worker.fresh_outbox ? *worker.fresh_outbox : outbox_; }

void Lane::note_request(std::uint64_t block, std::uint64_t size, SteadyTime now) {
    const std::uint64_t touched = outbox_.touched();
    if (touched > kKeptMemory && block + size > touched / 8) {
        large_at_ = now;
        watch_deadline(now + kRest);
    }
}

// The worker touches its slab, and says where by what it answers.
void Lane::note_reply(WorkerProcess& worker, const transport::Message& message) {
    const std::uint64_t end = message.slab_offset() + message.length;
    worker.reply_touched = std::max(worker.reply_touched, end);
    if (worker.reply_touched > kKeptMemory && end > worker.reply_touched / 8) {
        large_at_ = std::chrono::steady_clock::now();
        watch_deadline(large_at_ + kRest);
    }
}

// For the copy of a reply. Without the mutex.
Bytes Lane::bytes_for_reply(std::size_t size) {
    if (size <= kOwnMapping) {
        return Bytes::uninitialized(size);
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    Bytes bytes = reply_memory_.take(size, now);
    const Lock lock(mutex_);
    watch_deadline(now + ReplyMemory::kKept);
    return bytes;
}

bool Lane::has_much_memory() const {
    return outbox_.touched() > kKeptMemory || (serving_ && serving_->reply_touched > kKeptMemory);
}

// For a worker that is to replace the serving one in order. Without memory for it the old outbox does.
void Lane::prepare_fresh_outbox(WorkerProcess& worker) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!handover_wanted_ || !serving_ || serving_->dead || outbox_.touched() <= kKeptMemory || now < give_back_at_) {
        return;
    }
    std::error_code error;
    HostOutbox fresh = HostOutbox::create(release_->geometry, runtime_->permits.budget(), error);
    if (error) {
        give_back_at_ = now + kRest;
        return;
    }
    worker.fresh_outbox = std::make_shared<HostOutbox>(std::move(fresh));
}

// Whether the lane can move now to the outbox of the worker that comes. If not, somebody looks again.
bool Lane::may_move() {
    if (!coming_->fresh_outbox || outbox_.slab().blocks_in_use() == 0) {
        return true;
    }
    watch_deadline(std::chrono::steady_clock::now() + kQuietLook);
    return false;
}

// The worker that comes cannot be given the lane's calls. An ordinary one follows when it is buried.
void Lane::give_up_moving() {
    give_back_at_ = std::chrono::steady_clock::now() + kRest;
    coming_->end(Cause::host_request, "");
}

// Between two workers: nobody serves. False: it cannot be now.
bool Lane::move_to_outbox_of(WorkerProcess& worker) {
    if (!worker.fresh_outbox) {
        return true;
    }
    if (outbox_.slab().blocks_in_use() > 0 || !copy_state(outbox_, *worker.fresh_outbox)) {
        give_up_moving();
        return false;
    }
    for (std::uint32_t cell = 0; cell < transport::kWorkerCells; ++cell) {
        runtime_->permits.give_back(outbox_.worker_cell(cell).spin_permit);
    }
    const auto former = std::make_shared<HostOutbox>(std::exchange(outbox_, std::move(*worker.fresh_outbox)));
    worker.fresh_outbox.reset();
    runtime_->supervisor.post([former] {});  // to be unmapped there: that takes long, and callers wait for the mutex
    outbox_.begin_at(served_from_);
    publish_again(served_from_);
    return true;
}

// Begins to give memory back when it is time. When to look again.
SteadyTime Lane::check_memory(SteadyTime now) {
    const bool going = state_ == State::running && serving_ && serving_->serving && !serving_->handing_over;
    if (!going || !has_much_memory()) {
        return transport::kNoDeadline;
    }
    if (handover_wanted_) {
        const bool waits = coming_ && coming_->fresh_outbox && coming_->ready && !coming_->cause && !coming_->dead;
        if (!waits) {
            return transport::kNoDeadline;
        }
        if (now >= coming_->ready_at + kQuietPatience && outbox_.slab().blocks_in_use() > 0) {
            give_up_moving();
        } else {
            begin_handover();  // or has somebody look again
        }
        return transport::kNoDeadline;
    }
    const SteadyTime due = std::max(large_at_ + kRest, give_back_at_);
    if (due > now) {
        return due;
    }
    const bool is_starting = coming_ && !coming_->ready;
    if (is_starting || outbox_.slab().blocks_in_use() > 0) {
        return now + kQuietPatience;
    }
    large_at_ = now;  // the next try, should this one fail, is not at once
    handover_wanted_ = true;
    if (!coming_) {
        order_soon();
    } else if (outbox_.touched() > kKeptMemory) {  // it stands by, with the old outbox
        coming_->end(Cause::host_request, "");
    } else {
        begin_handover();
    }
    return transport::kNoDeadline;
}

}  // namespace bulkhead::detail
