// A lane from load to unload.
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <bulkhead/transport/waiting.hpp>

#include "lane.hpp"

namespace bulkhead::detail {

namespace {

constexpr std::chrono::seconds kKillPatience{5};  // for a killed process to be gone

}  // namespace

result<std::shared_ptr<Lane>> Lane::create(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release) {
    std::shared_ptr<Lane> lane(new Lane(std::move(runtime), std::move(release)));
    std::error_code error;
    lane->outbox_ = transport::HostOutbox::create(lane->release_->geometry, lane->runtime_->permits.budget(), error);
    if (error) {
        return Error{ErrorCode::load_failed, Effect::none, 0,
                     "plugin " + lane->release_->manifest.name +
                         " cannot be started: no shared memory for its channel: " + error.message(),
                     nullptr};
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
      log_(release_->manifest.name, runtime_->options.log, runtime_->callbacks),
      calls_(release_->geometry.call_slots) {}

Lane::~Lane() {
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
    const bool alive = serving_ && !serving_->dead;
    switch (state_) {
        case State::starting:
        case State::serving:
            snapshot.state = alive ? PluginState::serving : PluginState::starting;
            break;
        case State::failed:
            snapshot.state = PluginState::unavailable;
            break;
        case State::stopped:
            snapshot.state = PluginState::stopped;
            break;
    }
    if (alive) {
        snapshot.incarnation = serving_->incarnation;
        snapshot.worker_pid = serving_->pid();
    }
    return snapshot;
}

boost::asio::any_io_executor Lane::callback_executor() {
    const Lock lock(mutex_);
    if (state_ == State::stopped && runtime_->callback_thread) {
        return boost::asio::system_executor();
    }
    return boost::asio::prefer(runtime_->callbacks, boost::asio::execution::outstanding_work.tracked);
}

std::optional<Error> Lane::start_and_wait() {
    const bool posted = runtime_->supervisor.post([self = shared_from_this()] { self->order_worker(); });
    Lock lock(mutex_);
    if (posted) {
        life_.wait(lock, [this] { return first_start_over_; });
    }
    if (state_ == State::serving || (state_ == State::starting && first_start_over_)) {
        return std::nullopt;
    }
    return Error{ErrorCode::load_failed, Effect::none, 0, failure_.empty() ? "the host is being destroyed" : failure_,
                 last_report_};
}

void Lane::begin_stop() {
    Completions done;
    {
        const Lock lock(mutex_);
        if (state_ == State::stopped) {
            return;
        }
        state_ = State::stopped;
        first_start_over_ = true;
        if (serving_) {
            serving_->cause = serving_->cause ? serving_->cause : Cause::host_request;
            transport::WorkerCell& cell = outbox_.worker_cell(serving_->cell);
            cell.shut_down.store(1, std::memory_order_release);
            transport::ring_bell(cell.bell);
        }
        if (coming_) {
            coming_->end(Cause::host_request, "");
        }
        stop_by_ = std::chrono::steady_clock::now() + release_->manifest.supervision.stop;
        decide_all(ErrorCode::stopped, nullptr, done);
        life_.notify_all();
    }
    done.run(*this);
    runtime_->supervisor.post([self = shared_from_this()] { self->drop_unstarted(); });
}

void Lane::finish_stop() {
    Lock lock(mutex_);
    const auto nobody_left = [this] { return !serving_ && !coming_; };
    if (life_.wait_until(lock, stop_by_, nobody_left)) {
        return;
    }
    for (const WorkerRef& worker : {serving_, coming_}) {
        if (worker) {
            worker->kill();
        }
    }
    life_.wait_for(lock, kKillPatience, nobody_left);
}

}  // namespace bulkhead::detail
