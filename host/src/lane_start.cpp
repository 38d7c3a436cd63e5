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
    // Of one that died before it served its burial says what is next: it may be the state's fault.
    const bool untold = std::any_of(leaving_.begin(), leaving_.end(), [](const WorkerRef& worker) {
        return !worker->serving && (worker->dead || worker->crashing);
    });
    const bool spare = release_->manifest.supervision.standby && serving_ && serving_->serving;  // one start at a time
    return going && !coming_ && !untold && (alone || handover_wanted_ || spare);
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
    WorkerRef worker;
    const auto host_outbox = begin_start(worker, done);
    LaunchOrder order;
    if (host_outbox) {
        order = order_for(worker, *host_outbox);
    }
    lock.unlock();
    done.run(*this);
    if (host_outbox) {
        runtime_->launcher->order(std::move(order));
    }
}

LaunchOrder Lane::order_for(const WorkerRef& worker, int host_outbox) {
    LaunchOrder order;
    order.start_id = worker->start_id;
    order.message.role = transport::WorkerRole::serve;
    order.message.worker_cell = worker->cell;
    order.message.incarnation = worker->incarnation;
    order.descriptors = {host_outbox, worker->outbox_segment.get(), worker->output_far.get(), worker->signal.get(),
                         release_->library.descriptor()};
    for (const NamedLibrary& library : release_->dependencies) {
        order.descriptors.push_back(library.descriptor());
    }
    order.keeps = std::make_shared<std::pair<std::shared_ptr<Lane>, WorkerRef>>(shared_from_this(), worker);
    order.listener = weak_from_this();
    return order;
}

// Makes the one that comes, if one is wanted and possible. The descriptor of the host outbox that it is to map. Where
// nobody serves it takes over at once, so that it need not ask again when it is ready.
std::optional<int> Lane::begin_start(WorkerRef& worker, Completions& done) {
    if (!wants_worker()) {
        shortage_.clear();  // then nobody tries any more
        return std::nullopt;
    }
    order_again_at_ = transport::kNoDeadline;
    const auto cell = free_cell(incarnations_ + 1);
    if (!cell) {  // many died at once, and are not buried yet
        order_at(std::chrono::steady_clock::now() + kShortageRetry);
        return std::nullopt;
    }
    worker = std::make_shared<WorkerProcess>();
    worker->incarnation = incarnations_ + 1;
    worker->cell = *cell;
    worker->start_id = runtime_->next_start_id();
    worker->ordered_at = std::chrono::steady_clock::now();
    if (const std::error_code error = prepare(*worker)) {
        on_shortage("the host has no resources for its worker: " + error.message(), done);
        return std::nullopt;
    }
    incarnations_ = worker->incarnation;
    prepare_fresh_outbox(*worker);
    transport::HostOutbox& outbox = outbox_of(*worker);
    runtime_->permits.give_back(outbox.worker_cell(worker->cell).spin_permit);
    outbox.prepare_cell(worker->cell, worker->incarnation);
    const int descriptor = outbox.descriptor().get();
    coming_ = worker;
    if (state_ == State::backoff) {
        enter(State::starting, "it is tried again");
    }
    watch_deadline(worker->ordered_at + release_->manifest.supervision.start);
    if (is_vacant()) {
        take_over(done);
    }
    return descriptor;
}

std::error_code Lane::prepare(WorkerProcess& worker) const {
    std::error_code error;
    worker.outbox_segment = transport::create_worker_outbox(release_->geometry, release_->order, error);
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
    note_if_stopped();
    if (!start_over_) {
        fail(name_for_sentence() + " cannot be started: " + why, nullptr, done);
    } else if (state_ == State::starting || state_ == State::running || state_ == State::backoff) {
        shortage_ = why;
        if (!std::exchange(shortage_told_, true)) {
            log_.line(LogSource::host, LogLevel::error, "its next worker cannot be started yet: " + why);
        }
        order_at(std::chrono::steady_clock::now() + kShortageRetry);
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

void Lane::on_chosen(std::uint64_t start_id, std::int32_t pid) {
    if (const WorkerRef worker = find_worker(start_id)) {
        const Lock lock(mutex_);
        worker->chosen_pid = pid;
    }
}

void Lane::on_started(std::uint64_t start_id, std::int32_t pid, Descriptor pidfd) {
    const WorkerRef worker = find_worker(start_id);
    if (!worker) {  // given up meanwhile
        WorkerProcess stray;
        stray.process = KnownProcess(pid, std::move(pidfd));
        stray.kill();
        return;
    }
    {
        const Lock lock(mutex_);
        worker->process = KnownProcess(pid, std::move(pidfd));
        shortage_.clear();
        shortage_told_ = false;
        stats_.restarts += worker->incarnation > 1 ? 1 : 0;
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
        return;
    }
    // It may have had the time to become ready, and waits: it goes before the dead that the next events tell of.
    on_signal(worker);
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
    if (const WorkerRef worker = find_worker(start_id)) {
        const Lock lock(mutex_);
        forget(worker);
        on_shortage("no process can be made: " + std::error_code(error, std::generic_category()).message(), done);
    }
    done.run(*this);
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
        if (worker->stack_by != transport::kNoDeadline) {  // it may have said where it hangs
            end_overdue(*worker, Cause::hang, "", std::chrono::steady_clock::now());
        }
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
    const auto life = worker->life_said();
    if (!worker->ready && note_ready(*worker)) {
        if (worker == serving_) {
            done.wake_reader(callers_);  // from now on it can wait for this one
        } else if (serving_) {
            begin_handover();
        } else if (may_take_over()) {
            take_over(done);
        }
    }
    switch (life) {
        case transport::Life::refused:
        case transport::Life::state_refused:
            worker->end(Cause::start_failure, read_failure(worker->view));
            break;
        case transport::Life::serving:
            if (worker == serving_ && worker->ready) {
                on_serving(*worker);
            }
            break;
        case transport::Life::handed_over:
        case transport::Life::stopped:  // it was quick
            if (worker == serving_ && worker->ready && worker->handing_over) {
                on_serving(*worker);
                on_handed_over(done);
            }
            break;
        case transport::Life::blank:
        case transport::Life::loading:
        case transport::Life::ready:
        case transport::Life::restoring:
        case transport::Life::activating:
            break;
    }
    if (crashing && worker == serving_) {
        on_crash_notice(done);
    }
}

// Whether it is ready now. It may have gone on to serve since; then who reads its first reply may see it first.
bool Lane::note_ready(WorkerProcess& worker) {
    if (worker.stack_by != transport::kNoDeadline) {  // its time is over, whatever it says now
        return false;
    }
    switch (worker.life_said()) {
        case transport::Life::blank:
        case transport::Life::loading:
        case transport::Life::refused:
        case transport::Life::state_refused:
            return false;
        default:
            break;
    }
    if (const auto wrong = learn_methods(worker)) {
        worker.end(Cause::start_failure, *wrong);
        return false;
    }
    worker.close_outbox();
    worker.ready = true;
    worker.ready_at = std::chrono::steady_clock::now();
    outbox_of(worker).worker_cell(worker.cell).seen_ready.store(1, std::memory_order_relaxed);
    return true;
}

// Stopping: an order that no fork server has answered will never become a process that matters. One that was dismissed,
// for whoever starts the plugin again may have been quicker.
void Lane::drop_unstarted() {
    const Lock lock(mutex_);
    for (const WorkerRef& worker : {coming_, serving_}) {
        if (worker && !worker->process && worker->cause) {
            runtime_->launcher->withdraw(worker->start_id);
            forget(worker);
            life_.notify_all();
        }
    }
}

}  // namespace bulkhead::detail
