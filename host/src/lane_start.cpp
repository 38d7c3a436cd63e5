// A lane's next worker, from the order to the take-over. On the supervisor thread.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bulkhead/transport/waiting.hpp>
#include <cerrno>
#include <utility>

#include "lane.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

constexpr std::chrono::milliseconds kShortageRetry{50};  // out of descriptors or memory: try again

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

void Lane::order_worker() {
    const auto worker = std::make_shared<WorkerProcess>();
    LaunchOrder order;
    {
        const Lock lock(mutex_);
        if (state_ == State::stopped || state_ == State::failed || coming_) {
            return;
        }
        worker->incarnation = ++incarnations_;
        worker->cell = worker->incarnation % transport::kWorkerCells;
        worker->start_id = runtime_->next_start_id();
        worker->ordered_at = std::chrono::steady_clock::now();
        order_again_at_ = transport::kNoDeadline;
        if (const std::error_code error = prepare(*worker)) {
            on_shortage("the host has no resources for its worker: " + error.message());
            return;
        }
        runtime_->permits.give_back(outbox_.worker_cell(worker->cell).spin_permit);
        outbox_.prepare_cell(worker->cell, worker->incarnation);
        coming_ = worker;
        watch_deadline(worker->ordered_at + release_->manifest.supervision.start);
    }
    order.message.start_id = worker->start_id;
    order.message.role = transport::WorkerRole::serve;
    order.message.worker_cell = worker->cell;
    order.message.incarnation = worker->incarnation;
    order.descriptors = {release_->order.get(),    outbox_.descriptor().get(), worker->outbox_segment.get(),
                         worker->output_far.get(), worker->signal.get(),       release_->library.file->get()};
    for (const SealedLibrary& library : release_->dependencies) {
        order.descriptors.push_back(library.file->get());
    }
    order.keeps = std::make_shared<std::pair<std::shared_ptr<Lane>, WorkerRef>>(shared_from_this(), worker);
    order.listener = weak_from_this();
    runtime_->launcher->order(std::move(order));
}

std::error_code Lane::prepare(WorkerProcess& worker) const {
    std::error_code error;
    worker.outbox_segment = transport::create_worker_outbox(release_->geometry, error);
    if (error) {
        return error;
    }
    worker.view = transport::WorkerOutboxView::map(worker.outbox_segment, release_->geometry, error);
    if (error) {
        return error;
    }
    worker.replies = worker.view.replies();
    worker.signal.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    int pipe[2];
    if (!worker.signal || ::pipe2(pipe, O_CLOEXEC) != 0) {
        return last_error();
    }
    worker.output.reset(pipe[0]);
    worker.output_far.reset(pipe[1]);
    ::fcntl(worker.output.get(), F_SETFL, O_NONBLOCK);
    return {};
}

// No process could be made now. The first start fails; later ones wait for better times.
void Lane::on_shortage(const std::string& why) {
    coming_.reset();
    if (!first_start_over_) {
        Completions none;
        fail("plugin " + release_->manifest.name + " cannot be started: " + why, nullptr, none);
    } else if (state_ != State::stopped) {
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
    return nullptr;
}

void Lane::on_started(std::uint64_t start_id, Descriptor pidfd) {
    const WorkerRef worker = find_worker(start_id);
    if (!worker) {  // given up meanwhile
        WorkerProcess stray;
        stray.pidfd = std::move(pidfd);
        stray.kill();
        return;
    }
    {
        const Lock lock(mutex_);
        worker->pidfd = std::move(pidfd);
        worker->output_far.reset();
        if (state_ == State::stopped) {
            worker->end(Cause::host_request, "");
        }
    }
    Supervisor* const supervisor = &runtime_->supervisor;
    const auto watch = [&](const Descriptor& descriptor, std::uint32_t events,
                           void (Lane::*handler)(const WorkerRef&)) {
        return supervisor->watch(descriptor.get(), events,
                                 [weak = weak_from_this(), worker, handler, supervisor](std::uint32_t) {
                                     if (const auto self = weak.lock()) {
                                         ((*self).*handler)(worker);
                                     } else {
                                         stop_watching(*supervisor, *worker);
                                     }
                                 });
    };
    worker->signal_watch = watch(worker->signal, EPOLLIN | EPOLLET, &Lane::on_signal);
    worker->output_watch = watch(worker->output, EPOLLIN, &Lane::read_output);
    worker->pidfd_watch = watch(worker->pidfd, EPOLLIN, &Lane::on_pidfd);
    if (worker->signal_watch == 0 || worker->output_watch == 0 || worker->pidfd_watch == 0) {
        const Lock lock(mutex_);
        worker->end(Cause::start_failure, "the host has no resources to watch its worker");
    }
}

void Lane::stop_watching(Supervisor& supervisor, WorkerProcess& worker) {
    supervisor.unwatch(worker.signal_watch, worker.signal.get());
    supervisor.unwatch(worker.output_watch, worker.output.get());
    supervisor.unwatch(worker.pidfd_watch, worker.pidfd.get());
}

void Lane::on_start_failed(std::uint64_t start_id, int error) {
    const Lock lock(mutex_);
    if (!coming_ || coming_->start_id != start_id) {
        return;
    }
    // One that runs, although its pidfd was lost, ends itself.
    transport::WorkerCell& cell = outbox_.worker_cell(coming_->cell);
    cell.shut_down.store(1, std::memory_order_release);
    transport::ring_bell(cell.bell);
    if (error == ECHILD && state_ != State::stopped) {
        coming_.reset();
        runtime_->supervisor.post([self = shared_from_this()] { self->order_worker(); });
        return;
    }
    on_shortage("no process can be made: " + std::error_code(error, std::generic_category()).message());
}

void Lane::on_signal(const WorkerRef& worker) {
    read_log(worker);
    Completions done;
    {
        const Lock lock(mutex_);
        on_life(worker, done);
        if (worker == serving_ && reader_ == nullptr) {
            set_host_waits(transport::kHostLooks);
            drain(done);
            if (calls_.in_use() > 0) {
                let_supervisor_read(done);
            }
        }
    }
    done.run(*this);
}

void Lane::on_life(const WorkerRef& worker, Completions& done) {
    if (worker != coming_ || worker->dead || worker->cause) {
        return;
    }
    const auto& header = worker->view.header();
    switch (static_cast<transport::Life>(header.life.load(std::memory_order_acquire))) {
        case transport::Life::refused:
            worker->end(Cause::start_failure, read_failure(worker->view));
            break;
        case transport::Life::ready:
            if (worker->ready) {
                break;
            }
            if (const auto wrong = learn_methods(*worker)) {
                worker->end(Cause::start_failure, *wrong);
                break;
            }
            worker->ready = true;
            worker->ready_at = std::chrono::steady_clock::now();
            if (!serving_) {
                take_over(done);
            }
            break;
        case transport::Life::blank:
        case transport::Life::loading:
        case transport::Life::stopped:
            break;
    }
}

void Lane::take_over(Completions& done) {
    serving_ = std::exchange(coming_, nullptr);
    serving_->begun = serving_->progress_begun = served_from_;
    serving_->progress_at = std::chrono::steady_clock::now();
    host_waits_ = transport::kHostLooks;
    transport::WorkerCell& cell = outbox_.worker_cell(serving_->cell);
    cell.start.store(served_from_, std::memory_order_release);
    if (state_ == State::starting) {
        state_ = State::serving;
    }
    if (reader_ != nullptr) {
        wake_reader();
    } else if (calls_.in_use() > 0) {
        let_supervisor_read(done);
    }
    transport::ring_bell(cell.bell);
    if (first_start_over_) {
        log_.line(LogSource::host, LogLevel::info,
                  "its next worker serves (life " + std::to_string(serving_->incarnation) + ")");
    }
    first_start_over_ = true;
    life_.notify_all();
}

// Stopping: an order that no fork server has answered will never become a process that matters.
void Lane::drop_unstarted() {
    const Lock lock(mutex_);
    if (coming_ && !coming_->pidfd) {
        runtime_->launcher->withdraw(coming_->start_id);
        coming_.reset();
        life_.notify_all();
    }
}

}  // namespace bulkhead::detail
