#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <vector>

#include "descendants.hpp"
#include "fork_server.hpp"
#include "poll_until.hpp"
#include "process.hpp"
#include "thread_stack.hpp"

namespace bulkhead::worker {
namespace {

// A blank that dies sooner than this after it was made is not replaced before the next order needs one.
constexpr auto kTooShortLife = std::chrono::milliseconds(50);
// The next blank, and what it does to be warm, must not take a core from the worker that starts: that takes half of
// this. When orders come faster than that, the next one is better off with a blank: made while the host sees to what
// comes between two orders.
constexpr auto kBlankDelay = std::chrono::microseconds(2000);
constexpr auto kBlankDelayInBurst = std::chrono::microseconds(300);

std::uint64_t microseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

}  // namespace

void run_fork_server(const ForkServerInheritance& inheritance) {
    ForkServer server(inheritance);
    server.run();
}

ForkServer::ForkServer(const ForkServerInheritance& inheritance)
    : control_(inheritance.control), guard_(inheritance.guard), generation_(inheritance.generation) {
    std::array kept{control_.get(), guard_.get()};
    std::sort(kept.begin(), kept.end());
    close_all_but(kept);
    ignore_signals_of_others();
    note_main_stack();
    set_process_name("bulkhead-forks");
    adopt_orphans();
    signals_ = open_signals({SIGCHLD});
    if (!signals_) {
        std::_Exit(EXIT_FAILURE);
    }
}

void ForkServer::run() {
    make_next_blank();
    for (;;) {
        std::array<pollfd, 3> events{};
        events[0] = {control_.get(), POLLIN | POLLRDHUP, 0};
        events[1] = {signals_.get(), POLLIN, 0};
        events[2] = {guard_.get(), POLLIN, 0};
        if (poll_until(events, {sweep_at_, blank_at_}) < 0) {
            continue;
        }
        if (events[2].revents != 0) {
            outlive_guard();
        }
        if ((events[0].revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0) {
            // The host is done. The guard would see to the rest, but it may be dying too.
            outlive_guard();
        }
        if (events[1].revents != 0) {
            reap();
        }
        if ((events[0].revents & POLLIN) != 0) {
            take_order();
        }
        do_what_is_due();
    }
}

void ForkServer::do_what_is_due() {
    const auto now = Clock::now();
    if (sweep_at_ && *sweep_at_ <= now) {
        sweep();
    }
    if (blank_at_ && *blank_at_ <= now) {
        make_next_blank();
    }
}

// Without a blank the next order forks, and reports why it cannot.
void ForkServer::make_next_blank() {
    blank_at_.reset();
    if (!blank_) {
        std::error_code ignored;
        blank_ = make_blank(BlankFor::later, ignored);
    }
}

// One at a time: between two orders the dead are reaped and the guard is looked after.
void ForkServer::take_order() {
    transport::Packet packet;
    std::error_code error;
    const transport::Received received = transport::receive_packet(control_.get(), packet, error);
    const bool cut = received == transport::Received::failed && packet.size > 0;
    if (received != transport::Received::packet && !cut) {
        return;  // nothing there, or a hang-up that the next poll reports
    }
    const auto order = packet.as<transport::StartMessage>();
    if (!order || order->kind != transport::ControlKind::start || order->generation != generation_) {
        return;  // meant for a fork server that died; the host repeats it
    }
    if (cut || packet.descriptors.size() != order->descriptor_count) {
        refuse(*order, cut ? error.value() : EPROTO);
        return;
    }
    start(packet, *order);
}

// The host first: it has something to do meanwhile, and the blank may well take this core.
void ForkServer::start(const transport::Packet& packet, const transport::StartMessage& order) {
    std::error_code error;
    if (!has_living_blank()) {
        blank_ = make_blank(BlankFor::an_order, error);
    }
    if (!blank_) {
        refuse(order, error.value());
        return;
    }
    Blank worker = std::move(*blank_);
    blank_.reset();
    workers_.emplace(worker.pid, order.start_id);
    if (!report_started(order, worker)) {
        return;
    }
    std::vector<int> descriptors;
    for (const transport::Descriptor& descriptor : packet.descriptors) {
        descriptors.push_back(descriptor.get());
    }
    // Fails only when somebody killed it right now: then it is a worker that died on its way.
    if (transport::send_packet(worker.orders.get(), {packet.bytes, packet.size}, descriptors)) {
        ::kill(worker.pid, SIGKILL);
    }
    const auto now = Clock::now();
    const bool in_a_burst = now - std::exchange(ordered_at_, now) < kBlankDelay;
    blank_at_ = now + (in_a_burst ? kBlankDelayInBurst : kBlankDelay);
}

// One that somebody killed is forgotten; reap() does not miss it.
bool ForkServer::has_living_blank() {
    pollfd end{blank_ ? blank_->process.get() : -1, POLLIN, 0};
    if (blank_ && ::poll(&end, 1, 0) != 0) {
        blank_.reset();
    }
    return blank_.has_value();
}

// A worker that the host cannot hold by a pidfd is none.
bool ForkServer::report_started(const transport::StartMessage& order, const Blank& worker) {
    transport::StartedMessage message;
    message.pid = worker.pid;
    message.start_id = order.start_id;
    const std::array descriptors{worker.process.get()};
    const std::error_code error = tell_host(message, descriptors);
    if (error) {
        ::kill(worker.pid, SIGKILL);
        workers_.erase(worker.pid);
        refuse(order, error.value());
    }
    return !error;
}

void ForkServer::refuse(const transport::StartMessage& order, int error) {
    transport::StartFailedMessage message;
    message.error = error;
    message.start_id = order.start_id;
    tell_host(message);
}

void ForkServer::reap() {
    drain_signals(signals_.get());
    for (;;) {
        siginfo_t death{};
        if (::waitid(P_ALL, 0, &death, WEXITED | WNOHANG | WNOWAIT) != 0 || death.si_pid == 0) {
            return;
        }
        // Before it is reaped: until then nobody else can have its number, or that of its process group.
        ::kill(-death.si_pid, SIGKILL);
        int status = 0;
        rusage usage{};
        ::wait4(death.si_pid, &status, 0, &usage);
        if (blank_ && blank_->pid == death.si_pid) {
            on_blank_death();
            continue;
        }
        if (const auto worker = workers_.extract(death.si_pid)) {
            report_exit(worker.mapped(), status, usage);
        }
        sweep_soon();
    }
}

void ForkServer::on_blank_death() {
    const bool short_life = Clock::now() - blank_->made_at < kTooShortLife;
    blank_.reset();
    if (!short_life) {
        make_next_blank();
    }
}

void ForkServer::sweep_soon() {
    if (!sweep_at_) {
        sweep_at_ = Clock::now() + kSweepDelay;
    }
}

// What a dead worker had started is ours now.
void ForkServer::sweep() {
    sweep_at_.reset();
    std::vector<pid_t> spared;
    spared.reserve(workers_.size() + 1);
    for (const auto& [pid, start_id] : workers_) {
        spared.push_back(pid);
    }
    if (blank_) {
        spared.push_back(blank_->pid);
    }
    std::sort(spared.begin(), spared.end());
    // What dies of this is reaped, and that has us look again.
    kill_children(spared);
}

void ForkServer::report_exit(std::uint64_t start_id, int status, const rusage& usage) {
    transport::ExitedMessage message;
    message.wait_status = status;
    message.start_id = start_id;
    message.user_microseconds = microseconds(usage.ru_utime);
    message.system_microseconds = microseconds(usage.ru_stime);
    message.peak_resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    tell_host(message);
}

// The socket is non-blocking for the guard's sake; we have nothing better to do than to wait for a slow host.
template <typename T>
std::error_code ForkServer::tell_host(const T& message, std::span<const int> descriptors) {
    for (;;) {
        const std::error_code error = transport::send_message(control_.get(), message, descriptors);
        if (error != std::errc::operation_would_block && error != std::errc::resource_unavailable_try_again) {
            return error;
        }
        wait_for_room();
    }
}

void ForkServer::wait_for_room() {
    std::array<pollfd, 2> events{};
    events[0] = {control_.get(), POLLOUT, 0};
    events[1] = {guard_.get(), POLLIN, 0};
    if (::poll(events.data(), events.size(), -1) > 0 && events[1].revents != 0) {
        outlive_guard();
    }
}

// Somebody killed the guard. What it would have done when the host ends is done now.
void ForkServer::outlive_guard() {
    end_all_children();
    std::_Exit(EXIT_SUCCESS);
}

}  // namespace bulkhead::worker
