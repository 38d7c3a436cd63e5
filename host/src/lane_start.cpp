// A lane's next worker, from the order to the take-over. On the supervisor thread.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <bulkhead/transport/waiting.hpp>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "lane.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

// Somebody has to serve, stand by, or replace the one that serves.
bool Lane::wants_worker() const {
    const bool going = state_ == State::starting || state_ == State::running || state_ == State::backoff;
    const bool alone = !serving_ || serving_->dead || serving_->crashing;
    return going && !coming_ && (alone || handover_wanted_ || release_->manifest.supervision.standby);
}

// One that no process looks at any more.
std::optional<std::uint32_t> Lane::free_cell(std::uint32_t incarnation) const {
    const auto is_used = [this](std::uint32_t cell) {
        return (serving_ && serving_->cell == cell) ||
               std::any_of(leaving_.begin(), leaving_.end(),
                           [cell](const WorkerRef& worker) { return worker->cell == cell; });
    };
    for (std::uint32_t step = 0; step < transport::kWorkerCells; ++step) {
        const std::uint32_t cell = (incarnation + step) % transport::kWorkerCells;
        if (!is_used(cell)) {
            return cell;
        }
    }
    return std::nullopt;
}

void Lane::order_worker() {
    Completions done;
    Lock lock(mutex_);
    const auto host_outbox = begin_start(done);
    const WorkerRef worker = coming_;
    lock.unlock();
    done.run(*this);
    if (!host_outbox) {
        return;
    }
    LaunchOrder order;
    order.message.start_id = worker->start_id;
    order.message.role = transport::WorkerRole::serve;
    order.message.worker_cell = worker->cell;
    order.message.incarnation = worker->incarnation;
    order.descriptors = {worker->order.get(),      *host_outbox,         worker->outbox_segment.get(),
                         worker->output_far.get(), worker->signal.get(), release_->library.descriptor()};
    for (const NamedLibrary& library : release_->dependencies) {
        order.descriptors.push_back(library.descriptor());
    }
    order.keeps = std::make_shared<std::pair<std::shared_ptr<Lane>, WorkerRef>>(shared_from_this(), worker);
    order.listener = weak_from_this();
    runtime_->launcher->order(std::move(order));
}

// Makes the one that comes, if one is wanted and possible. The descriptor of the host outbox that it is to map.
std::optional<int> Lane::begin_start(Completions& done) {
    if (!wants_worker()) {
        return std::nullopt;
    }
    order_again_at_ = transport::kNoDeadline;
    const auto cell = free_cell(incarnations_ + 1);
    if (!cell) {  // many died at once, and are not buried yet
        order_again_at_ = std::chrono::steady_clock::now() + kShortageRetry;
        watch_deadline(order_again_at_);
        return std::nullopt;
    }
    const auto worker = std::make_shared<WorkerProcess>();
    worker->incarnation = ++incarnations_;
    worker->cell = *cell;
    worker->start_id = runtime_->next_start_id();
    worker->ordered_at = std::chrono::steady_clock::now();
    if (worker->incarnation > 1) {
        ++stats_.restarts;
    }
    if (const std::error_code error = prepare(*worker)) {
        on_shortage("the host has no resources for its worker: " + error.message(), done);
        return std::nullopt;
    }
    prepare_fresh_outbox(*worker);
    transport::HostOutbox& outbox = outbox_of(*worker);
    runtime_->permits.give_back(outbox.worker_cell(worker->cell).spin_permit);
    outbox.prepare_cell(worker->cell, worker->incarnation);
    coming_ = worker;
    if (state_ == State::backoff) {
        enter(State::starting, "it is tried again");
    }
    watch_deadline(worker->ordered_at + release_->manifest.supervision.start);
    return outbox.descriptor().get();
}

std::error_code Lane::prepare(WorkerProcess& worker) const {
    std::error_code error;
    worker.order = transport::create_sealed_file("bulkhead-order", std::as_bytes(std::span(release_->order)), error);
    if (error) {
        return error;
    }
    worker.outbox_segment = transport::create_worker_outbox(release_->geometry, error);
    if (error) {
        return error;
    }
    worker.view = transport::WorkerOutboxView::map(worker.outbox_segment, release_->geometry, error);
    if (error) {
        return error;
    }
    worker.replies = worker.view.replies();
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) {
        return last_error();
    }
    worker.output.reset(pipe[0]);
    worker.output_far.reset(pipe[1]);
    ::fcntl(worker.output.get(), F_SETFL, O_NONBLOCK);
    // Not a duplicate, which would make the plugin's own writing non-blocking too.
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", pipe[1]);
    worker.signal.reset(::open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return worker.signal ? std::error_code() : last_error();
}

// No process could be made now. The first start fails; later ones wait for better times.
void Lane::on_shortage(const std::string& why, Completions& done) {
    coming_.reset();
    note_if_stopped();
    if (!start_over_) {
        fail(name_for_sentence() + " cannot be started: " + why, nullptr, done);
    } else if (state_ == State::starting || state_ == State::running || state_ == State::backoff) {
        if (!std::exchange(shortage_told_, true)) {
            log_.line(LogSource::host, LogLevel::error, "its next worker cannot be started yet: " + why);
        }
        order_again_at_ = std::chrono::steady_clock::now() + kShortageRetry;
        watch_deadline(order_again_at_);
    }
    life_.notify_all();
}

Lane::WorkerRef Lane::find_worker(std::uint64_t start_id) {
    const Lock lock(mutex_);
    for (const WorkerRef& worker : {serving_, coming_}) {
        if (worker && worker->start_id == start_id) {
            return worker;
        }
    }
    const auto leaving = std::find_if(leaving_.begin(), leaving_.end(),
                                      [start_id](const WorkerRef& worker) { return worker->start_id == start_id; });
    return leaving == leaving_.end() ? nullptr : *leaving;
}

void Lane::on_started(std::uint64_t start_id, Descriptor pidfd) {
    const WorkerRef worker = find_worker(start_id);
    if (!worker) {  // given up meanwhile
        WorkerProcess stray;
        stray.process = KnownProcess(std::move(pidfd));
        stray.kill();
        return;
    }
    {
        const Lock lock(mutex_);
        worker->process = KnownProcess(std::move(pidfd));
        worker->order.reset();
        worker->output_far.reset();
        worker->signal.reset();
        watch_deadline(std::chrono::steady_clock::now() + kSettling);
        if (state_ == State::stopped || state_ == State::stopping || state_ == State::fatal) {
            worker->end(Cause::host_request, "");
        } else if (worker->cause) {  // dismissed before there was anybody to kill
            worker->kill();
        }
    }
    worker->output_watch = watch(worker, worker->output, &Lane::on_output);
    if (worker->output_watch == 0) {
        const Lock lock(mutex_);
        worker->end(Cause::start_failure, "the host has no resources to watch its worker");
    }
}

Supervisor::Id Lane::watch(const WorkerRef& worker, const Descriptor& descriptor,
                           void (Lane::*handler)(const WorkerRef&)) {
    Supervisor* const supervisor = &runtime_->supervisor;
    return supervisor->watch(descriptor.get(), EPOLLIN,
                             [weak = weak_from_this(), worker, handler, supervisor](std::uint32_t) {
                                 if (const auto self = weak.lock()) {
                                     ((*self).*handler)(worker);
                                 } else {
                                     stop_watching(*supervisor, *worker);
                                 }
                             });
}

void Lane::stop_watching(Supervisor& supervisor, WorkerProcess& worker) {
    supervisor.unwatch(worker.output_watch, worker.output.get());
    supervisor.unwatch(worker.death_watch, worker.death.get());
}

void Lane::on_start_failed(std::uint64_t start_id, int error) {
    Completions done;
    {
        const Lock lock(mutex_);
        if (!coming_ || coming_->start_id != start_id) {
            return;
        }
        // One that runs, although its pidfd was lost, ends itself.
        transport::WorkerCell& cell = outbox_of(*coming_).worker_cell(coming_->cell);
        cell.shut_down.store(1, std::memory_order_release);
        transport::ring_bell(cell.bell);
        if (error == ECHILD) {
            on_order_lost(done);
        } else {
            on_shortage("no process can be made: " + std::error_code(error, std::generic_category()).message(), done);
        }
    }
    done.run(*this);
}

// With its fork server.
void Lane::on_order_lost(Completions& done) {
    coming_.reset();
    note_if_stopped();
    if (state_ != State::starting && state_ != State::running && state_ != State::backoff) {
        life_.notify_all();
        return;
    }
    const RestartDecision decision = decide_on(WorkerEnd::blameless, false, std::chrono::steady_clock::now());
    if (decision.next == RestartDecision::Next::at_once) {
        order_soon();
    } else if (decision.next == RestartDecision::Next::later) {
        order_again_at_ = decision.at;
        watch_deadline(decision.at);
        if (!serving_ || serving_->dead) {
            enter(State::backoff, "its fork server died");
            refuse_waiting(nullptr, done);
        }
    } else if (!serving_ || serving_->dead) {
        fail(name_for_sentence() + " cannot be started: " + decision.why, nullptr, done);
    } else {
        go_on_without_successor(decision.why);
    }
    life_.notify_all();
}

void Lane::on_output(const WorkerRef& worker) {
    read_output(worker);
    on_signal(worker);  // after it: what did not fit into a full pipe is seen here
}

void Lane::on_signal(const WorkerRef& worker) {
    read_log(worker);
    Completions done;
    {
        const Lock lock(mutex_);
        on_life(worker, done);
        if (worker == serving_ &&
            worker->checkpoint < worker->view.header().checkpoint.load(std::memory_order_relaxed) && !worker->accused) {
            absorb_checkpoint(*worker);
        }
        settle_overdue(*worker);
    }
    done.run(*this);
    if (!worker->reading_posted) {  // else that looks, and each signal would start one more of them
        read_for_a_while(worker);
    }
}

void Lane::on_life(const WorkerRef& worker, Completions& done) {
    if (worker->dead || (worker != coming_ && worker != serving_)) {
        return;
    }
    const auto& header = worker->view.header();
    const bool crashing = header.crashing.load(std::memory_order_acquire) != 0;
    switch (static_cast<transport::Life>(header.life.load(std::memory_order_acquire))) {
        case transport::Life::refused:
        case transport::Life::state_refused:
            worker->end(Cause::start_failure, read_failure(worker->view));
            break;
        case transport::Life::ready:
            if (worker == coming_ && !worker->ready && !worker->cause) {
                on_ready(worker, done);
            }
            break;
        case transport::Life::serving:
            if (worker == serving_) {
                on_serving(*worker);
            }
            break;
        case transport::Life::handed_over:
        case transport::Life::stopped:  // it was quick
            if (worker == serving_ && worker->handing_over) {
                on_serving(*worker);
                on_handed_over(done);
            }
            break;
        case transport::Life::blank:
        case transport::Life::loading:
        case transport::Life::restoring:
        case transport::Life::activating:
            break;
    }
    if (crashing && worker == serving_) {
        on_crash_notice(done);
    }
}

void Lane::on_ready(const WorkerRef& worker, Completions& done) {
    if (const auto wrong = learn_methods(*worker)) {
        worker->end(Cause::start_failure, *wrong);
        return;
    }
    worker->close_outbox();
    worker->ready = true;
    worker->ready_at = std::chrono::steady_clock::now();
    shortage_told_ = false;
    if (serving_) {
        begin_handover();
    } else if (may_take_over()) {
        take_over(done);
    }
}

// Stopping: an order that no fork server has answered will never become a process that matters.
void Lane::drop_unstarted() {
    const Lock lock(mutex_);
    if (coming_ && !coming_->process) {
        runtime_->launcher->withdraw(coming_->start_id);
        coming_.reset();
        note_if_stopped();
        life_.notify_all();
    }
}

}  // namespace bulkhead::detail
