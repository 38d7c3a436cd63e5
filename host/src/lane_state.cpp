// The state that outlives workers: where it comes from, and when it is taken over from a worker.
#include <algorithm>
#include <bulkhead/transport/checkpoint.hpp>
#include <csignal>

#include "lane.hpp"

namespace bulkhead::detail {

// Reads what a former host left. A text: it cannot be used, and the manifest does not want to begin without.
std::optional<std::string> Lane::restore_state() {
    const StateKeeping& keeping = release_->manifest.state;
    if (keeping.path.empty()) {
        return std::nullopt;
    }
    const StateFile file(keeping.path, release_->manifest.name);
    if (const auto aside = file.missing_but_aside(); aside && keeping.when_refused == RefusedState::stay_down) {
        return "its state was refused and lies in " + aside->string() + ": move it back to " + keeping.path +
               " for a release that can load it, or away to begin without";
    }
    const StateReading reading = file.read(release_->geometry.state_limit);
    if (!reading.refusal.empty()) {
        // What cannot be read now must not be written over.
        if (keeping.when_refused == RefusedState::stay_down || reading.unreadable) {
            return reading.refusal;
        }
        if (auto failed = file.put_aside()) {
            return reading.refusal + ", and " + *failed;
        }
        log_.line(LogSource::host, LogLevel::error, "its state was put aside: " + reading.refusal);
    }
    return reading.state ? begin_with(reading.state->version, reading.state->bytes) : std::nullopt;
}

// Before the first worker.
std::optional<std::string> Lane::begin_with(std::uint32_t version, std::span<const std::byte> state) {
    if (state.size() > release_->geometry.state_limit) {
        return "its state of " + std::to_string(state.size()) + " bytes is over state.limit of " +
               std::to_string(release_->geometry.state_limit);
    }
    const auto place = outbox_.spare_state(state.size());
    if (!place) {
        return "the host has no memory for its state";
    }
    std::copy(state.begin(), state.end(), place->begin());
    outbox_.commit_state(version, state.size());
    return std::nullopt;
}

// From now on the file follows the committed state.
std::optional<std::string> Lane::keep_state_on_disk() {
    const StateKeeping& keeping = release_->manifest.state;
    if (keeping.path.empty()) {
        return std::nullopt;
    }
    StateTarget target{StateFile(keeping.path, release_->manifest.name),
                       [weak = weak_from_this()]() -> std::optional<StoredState> {
                           const auto self = weak.lock();
                           return self ? self->committed_state() : std::nullopt;
                       },
                       [weak = weak_from_this()](const std::string& error) {
                           if (const auto self = weak.lock()) {
                               self->log_.line(LogSource::host, error.empty() ? LogLevel::info : LogLevel::error,
                                               error.empty() ? "its state can be written again" : error);
                           }
                       }};
    try {
        state_on_disk_ = runtime_->state_writer.add(std::move(target));
    } catch (const std::system_error& failure) {
        return std::string("the host cannot start the thread that writes its state file: ") + failure.what();
    }
    return std::nullopt;
}

std::optional<StoredState> Lane::committed_state() {
    const Lock lock(mutex_);
    const auto state = outbox_.state();
    if (!state) {
        return std::nullopt;
    }
    return StoredState{outbox_.state_version(), {state->begin(), state->end()}};
}

// Makes the worker's last checkpoint the committed state, if it is new. False: it is not to be had.
bool Lane::absorb_checkpoint(WorkerProcess& worker) {
    transport::Checkpoint checkpoint;
    switch (transport::take_checkpoint(worker.view, worker.checkpoint, outbox_, checkpoint)) {
        case transport::TakenCheckpoint::taken:
            break;
        case transport::TakenCheckpoint::nothing_new:
            return true;
        case transport::TakenCheckpoint::damaged:
            if (worker.dead) {  // it may have written anywhere before it died
                log_.line(LogSource::host, LogLevel::error, "the last checkpoint of its worker is damaged");
            } else {
                accuse(worker, "a checkpoint that is damaged");
            }
            return false;
        case transport::TakenCheckpoint::no_memory:
            worker.end(Cause::out_of_memory, "the host has no memory for its checkpoint");
            return false;
    }
    worker.checkpoint = checkpoint.sequence;
    worker.checkpoint_position = checkpoint.position;
    worker.checkpoint_open_calls = checkpoint.open_calls;
    deaths_by_state_ = 0;
    if (state_on_disk_) {
        runtime_->state_writer.changed(state_on_disk_);
    }
    return true;
}

// Before an answer is delivered that says it is in this checkpoint. False: it must not be delivered.
bool Lane::commit_checkpoint(WorkerProcess& worker, std::uint64_t needed) {
    if (worker.checkpoint >= needed) {
        return true;
    }
    // While one thread crashes, its dispatcher may still end a call. What that changed is not in the state that the
    // next worker began with.
    if (worker.superseded || !absorb_checkpoint(worker)) {
        return false;
    }
    if (worker.checkpoint < needed) {
        accuse(worker, "an answer that names a checkpoint which does not exist");
    }
    return worker.checkpoint >= needed;
}

// Whether all that this call did is in the committed state, for certain.
bool Lane::is_in_checkpoint(const WorkerProcess& worker, const PendingCall& call) const {
    return call.position < worker.checkpoint_position && worker.checkpoint_open_calls == 0;
}

// The worker died of the state that it was to load. Once may be chance; a refusal, or the second death, is not. Signals
// that others send say nothing of the state.
bool Lane::blames_state(const WorkerProcess& dead, const Report& report) {
    const bool was_sent = report.crash && report.crash->code == SI_USER && report.cause != Cause::policy_violation;
    const bool from_outside = report.cause == Cause::host_request || report.cause == Cause::killed || dead.blameless ||
                              report.signal == SIGXCPU || was_sent;
    if (dead.life_said() == transport::Life::restoring && !from_outside) {
        return ++deaths_by_state_ >= 2;
    }
    return dead.life_said() == transport::Life::state_refused;
}

void Lane::put_state_aside(const std::string& why) {
    deaths_by_state_ = 0;
    outbox_.drop_state();
    if (!state_on_disk_) {
        log_.line(LogSource::host, LogLevel::error, "its state is dropped, as no state.path keeps it: " + why);
        return;
    }
    log_.line(LogSource::host, LogLevel::error,
              "its state is put aside beside " + release_->manifest.state.path + ": " + why);
    runtime_->state_writer.put_aside(state_on_disk_);
}

}  // namespace bulkhead::detail
