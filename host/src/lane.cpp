// A lane from load to unload.
#include <unistd.h>

#include <bulkhead/transport/waiting.hpp>
#include <random>

#include "lane.hpp"

namespace bulkhead::detail {

namespace {

constexpr std::chrono::seconds kKillPatience{5};  // for a killed process to be gone

// A text: somebody else keeps a state there now, or may.
std::optional<std::string> claim_state_file(const std::string& path, StateClaim& claim) {
    const auto refusal = path.empty() ? std::nullopt : claim.claim(path);
    return refusal ? std::optional("its state file " + path + " is " + *refusal) : std::nullopt;
}

}  // namespace

result<std::shared_ptr<Lane>> Lane::create(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release,
                                           const SavedState* state) {
    std::shared_ptr<Lane> lane(new Lane(std::move(runtime), std::move(release)));
    std::error_code error;
    lane->outbox_ = transport::HostOutbox::create(lane->release_->geometry, lane->spin_budget_, error);
    if (error) {
        return Error{ErrorCode::load_failed, Effect::none, 0,
                     "plugin " + lane->release_->manifest.name +
                         " cannot be started: no shared memory for its channel: " + error.message(),
                     nullptr};
    }
    auto refusal = claim_state_file(lane->release_->manifest.state.path, lane->state_claim_);
    if (!refusal) {
        refusal = state != nullptr ? lane->begin_with(state->version, state->bytes) : lane->restore_state();
    }
    if (!refusal) {
        refusal = lane->keep_state_on_disk();
    }
    if (refusal) {
        return Error{ErrorCode::load_failed, Effect::none, 0,
                     lane->name_for_sentence() + " cannot be started: " + *refusal, nullptr};
    }
    lane->timer_ = lane->runtime_->supervisor.add_timer([weak = lane->weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->on_timer();
        }
    });
    return lane;
}

Lane::Lane(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release)
    : runtime_(std::move(runtime)),
      release_(std::move(release)),
      owner_(::getpid()),
      spin_budget_(runtime_->permits.budget_for(release_->manifest.latency)),
      log_(release_->manifest.name, runtime_->options.log, runtime_->callbacks),
      calls_(release_->geometry.call_slots),
      policy_(release_->manifest.supervision.restart),
      quarantine_(release_->manifest.supervision.quarantine),
      // Not a random device for each: making one takes 30 us in a virtual machine.
      random_(runtime_->run ^ static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())) {
    constexpr std::size_t kTogether = 16;
    put_off_.reserve(kTogether);  // published when it is full
}

Lane::~Lane() {
    if (::getpid() != owner_) {  // in a child that the server forked another thread may have held any lock for ever
        return;
    }
    runtime_->supervisor.remove_timer(timer_);
    for (std::uint32_t cell = 0; outbox_ && cell < transport::kWorkerCells; ++cell) {
        runtime_->permits.give_back(outbox_.worker_cell(cell).spin_permit);
    }
}

Stats Lane::stats() {
    const Lock lock(mutex_);
    Stats snapshot = stats_;
    snapshot.in_flight = stats_.calls - stats_.ended();
    snapshot.dropped_lines = log_.dropped();
    return snapshot;
}

PluginStatus Lane::status() {
    const Lock lock(mutex_);
    PluginStatus snapshot;
    // As the worker says it is; the supervisor may not have heard yet.
    const bool serves = serving_ && !serving_->dead &&
                        serving_->view.header().life.load(std::memory_order_acquire) ==
                            static_cast<std::uint32_t>(transport::Life::serving);
    const bool going = state_ == State::starting || state_ == State::running;
    snapshot.state = !going ? state_ : serves ? State::running : State::starting;
    if (going && serves) {
        snapshot.incarnation = serving_->incarnation;
        snapshot.worker_pid = serving_->pid();
    }
    snapshot.standby_ready = release_->manifest.supervision.standby && coming_ && coming_->ready && !coming_->dead;
    snapshot.next_try = next_try();
    return snapshot;
}

boost::asio::any_io_executor Lane::callback_executor() const { return runtime_->callback_executor(); }

std::optional<Error> Lane::start_and_wait() {
    Lock lock(mutex_);
    return wait_for_start(lock);
}

void Lane::begin_stop() {
    Completions done;
    {
        const Lock lock(mutex_);
        if (unloaded_) {
            return;
        }
        // Before anything has changed, because it may find no memory.
        runtime_->supervisor.post_without_poke([self = shared_from_this()] { self->drop_unstarted(); });
        unloaded_ = true;
        begin_end(done);
        enter(State::stopped, "it was unloaded");
    }
    done.run(*this);
    runtime_->supervisor.poke();
}

void Lane::finish_stop() {
    {
        Lock lock(mutex_);
        await_end(lock);
    }
    if (state_on_disk_) {
        runtime_->state_writer.remove(state_on_disk_);
    }
    state_claim_.release();
    reply_memory_.check(transport::kNoDeadline);  // which is later than anything
}

// All calls end as `stopped`; the workers are asked to end. Needs no memory.
void Lane::begin_end(Completions& done) {
    start_over_ = true;
    handover_wanted_ = false;
    order_again_at_ = transport::kNoDeadline;
    dismiss(serving_);
    dismiss(coming_);
    stop_by_ = std::chrono::steady_clock::now() + release_->manifest.supervision.stop;
    watch_deadline(stop_by_);  // nobody may be there to wait for the end
    decide_all(ErrorCode::stopped, nullptr, done);
    life_.notify_all();
}

void Lane::await_end(Lock& lock) {
    const auto is_over = [this] {
        const bool has_stopped = !unloaded_ && state_ != State::stopping;  // and others may have started it again
        return has_stopped || (!serving_ && !coming_ && leaving_.empty());
    };
    if (life_.wait_until(lock, stop_by_, is_over)) {
        return;
    }
    for (const WorkerRef& worker : workers()) {
        worker->cut_off_stop();
    }
    life_.wait_for(lock, kKillPatience, is_over);
}

// Asks a worker to end in order, as soon as what it is running is done; one that never served is just ended.
void Lane::dismiss(const WorkerRef& worker) {
    if (!worker || worker->dead) {
        return;
    }
    if (worker != serving_ || worker->is_loading()) {
        worker->end(Cause::host_request, "");
        return;
    }
    worker->cause = worker->cause ? worker->cause : Cause::host_request;
    transport::WorkerCell& cell = outbox_.worker_cell(worker->cell);
    cell.shut_down.store(1, std::memory_order_release);
    transport::ring_bell(cell.bell);
}

}  // namespace bulkhead::detail
