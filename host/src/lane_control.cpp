// A lane's states, and those who change them on purpose.
#include <array>
#include <boost/asio/post.hpp>
#include <bulkhead/transport/waiting.hpp>
#include <string_view>
#include <utility>

#include "lane.hpp"

namespace bulkhead {

std::string_view to_string(PluginState state) noexcept {
    constexpr std::array<std::string_view, 6> kNames = {"starting", "running", "backoff",
                                                        "stopping", "stopped", "fatal"};
    static_assert(kNames.size() == static_cast<std::size_t>(PluginState::fatal) + 1);
    return kNames.at(static_cast<std::size_t>(state));
}

}  // namespace bulkhead

namespace bulkhead::detail {
namespace {

bool serves(const std::shared_ptr<WorkerProcess>& worker) { return worker && worker->serving; }

Error not_yet(const std::string& plugin, const std::string& shortage) {
    return Error{ErrorCode::load_failed, Effect::none, 0, plugin + " cannot be started yet: " + shortage, nullptr};
}

}  // namespace

void Lane::enter(State next, std::string_view reason, std::shared_ptr<const Report> report) noexcept {
    const State former = std::exchange(state_, next);
    life_.notify_all();
    if (runtime_->options.on_event) {
        tell_event(former, reason, std::move(report));
    }
}

// The server's hook hears of it, unless there is no memory for that, or its executor refuses.
void Lane::tell_event(State former, std::string_view reason, std::shared_ptr<const Report> report) noexcept try {
    PluginEvent event;
    event.plugin = release_->manifest.name;
    event.from = former;
    event.to = state_;
    event.incarnation = serving_ && serving_->ready ? serving_->incarnation : 0;
    event.reason = reason;
    event.report = std::move(report);
    boost::asio::post(runtime_->callbacks, [hook = runtime_->options.on_event, event = std::move(event)] {
        try {
            hook(event);
        } catch (...) {  // the server's own trouble; the plugin is served on
        }
    });
} catch (...) {
}

// Starts a worker, unless another thread has just done that, and waits until it serves, or cannot.
std::optional<Error> Lane::wait_for_start(Lock& lock) {
    if (start_over_) {
        if (!runtime_->supervisor.post_without_poke([self = shared_from_this()] { self->order_worker(); })) {
            return Error{ErrorCode::load_failed, Effect::none, 0, "the host is being destroyed", nullptr};
        }
        start_over_ = false;
        failure_.clear();
        enter(State::starting, "it is being started");
        order_again_at_ = transport::kNoDeadline;
        lock.unlock();  // or the supervisor wakes only to wait for it, perhaps on the core that we need to leave it
        runtime_->supervisor.poke();
        lock.lock();
    }
    life_.wait(lock, [this] { return start_over_; });
    if (state_ == State::running || state_ == State::starting || state_ == State::backoff) {
        return std::nullopt;
    }
    return Error{ErrorCode::load_failed, Effect::none, 0,
                 failure_.empty() ? name_for_sentence() + " was stopped before it was ready" : failure_, last_report_};
}

std::optional<Error> Lane::stop() {
    Completions done;
    {
        Lock lock(mutex_);
        if (state_ != State::stopped) {
            runtime_->supervisor.post_without_poke([self = shared_from_this()] { self->drop_unstarted(); });
            enter(State::stopping, "it was told to stop");
            begin_end(done);
        }
    }
    done.run(*this);
    runtime_->supervisor.poke();
    Lock lock(mutex_);
    if (state_ == State::stopping) {
        await_end(lock);
        if (state_ == State::stopping) {
            enter(State::stopped, "it was told to stop");
        }
    }
    lock.unlock();
    if (state_on_disk_) {
        runtime_->state_writer.flush(state_on_disk_);
    }
    return std::nullopt;
}

std::optional<transport::SteadyTime> Lane::next_try() const {
    if (state_ != State::backoff) {
        return std::nullopt;
    }
    const bool is_now = order_again_at_ == transport::kNoDeadline;  // the supervisor is about to
    return is_now ? std::chrono::steady_clock::now() : order_again_at_;
}

// By itself, after a death, a stop or a reset. Not while the host has no resources for a worker: that may take long.
bool Lane::is_changing() const {
    switch (state_) {
        case State::starting:
            return start_over_ && shortage_.empty();
        case State::running:
            return !serves(serving_) && shortage_.empty();
        default:
            return state_ == State::stopping;
    }
}

std::optional<Error> Lane::start() {
    Lock lock(mutex_);
    life_.wait(lock, [this] { return !is_changing(); });
    if (unloaded_) {
        return Error{ErrorCode::stopped, Effect::none, 0, name_for_sentence() + " was unloaded", nullptr};
    }
    if (start_over_) {  // else another thread's start is in progress, and its end is ours
        if (state_ == State::running && serves(serving_)) {
            return std::nullopt;
        }
        if (state_ == State::running || state_ == State::starting) {
            return not_yet(name_for_sentence(), shortage_);
        }
        policy_.reset();
    }
    return wait_for_start(lock);
}

std::optional<Error> Lane::restart() {
    Lock lock(mutex_);
    // One that is just being started is none that was asked for now, so it is replaced as well.
    life_.wait(lock, [this] { return start_over_ && !is_changing(); });
    if (state_ != State::running || !serves(serving_)) {
        lock.unlock();
        return start();
    }
    const WorkerRef former = serving_;
    handover_wanted_ = true;
    shortage_.clear();  // it may be over
    if (coming_ && coming_->ready) {
        runtime_->supervisor.post([self = shared_from_this()] {
            const Lock in_turn(self->mutex_);
            self->begin_handover();
        });
    } else if (!coming_) {
        order_soon();
    }
    const auto replaced = [&] { return serving_ && serving_ != former && serving_->serving; };
    const auto given_up = [&] {
        return (!handover_wanted_ && serving_ == former && !former->handing_over) || state_ == State::stopping ||
               state_ == State::stopped || state_ == State::fatal;
    };
    life_.wait(lock, [&] { return replaced() || given_up() || !shortage_.empty(); });
    if (!replaced() && !given_up()) {  // the shortage may last
        if (serving_ != former || former->dead || former->handing_over) {
            return not_yet(name_for_sentence(), shortage_);
        }
        go_on_without_successor(std::exchange(shortage_, {}), nullptr);
    }
    if (replaced()) {
        return std::nullopt;
    }
    const std::string not_restarted = name_for_sentence() + " was not restarted: ";
    if (state_ == State::stopping || state_ == State::stopped) {
        return Error{ErrorCode::stopped, Effect::none, 0,
                     not_restarted + "it was " + (unloaded_ ? "unloaded" : "stopped") + " meanwhile", nullptr};
    }
    if (state_ == State::fatal) {
        return Error{ErrorCode::load_failed, Effect::none, 0, not_restarted + failure_, last_report_};
    }
    return Error{ErrorCode::load_failed, Effect::none, 0,
                 not_restarted + not_replaced_.first + "; its former worker serves on", not_replaced_.second};
}

void Lane::reset() {
    const Lock lock(mutex_);
    policy_.reset();
    quarantine_.clear();
    if (unloaded_ || (state_ != State::fatal && state_ != State::backoff)) {
        return;
    }
    failure_.clear();
    shortage_.clear();
    enter(State::starting, "it was reset");
    order_soon();
}

}  // namespace bulkhead::detail
