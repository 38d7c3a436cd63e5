#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "blank.hpp"
#include "bulkhead/transport/packet.hpp"
#include "descendants.hpp"
#include "fork_server.hpp"
#include "modules.hpp"
#include "poll_until.hpp"
#include "process.hpp"
#include "thread_stack.hpp"
#include "time_slice.hpp"

namespace bulkhead::worker {
namespace {

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
    note_first_modules();
    set_process_name("bulkhead-forks");
    adopt_orphans();
    go_on_without_parent();
    set_time_slice(TimeSlice::shortest);  // what it does is soon done, and somebody waits for it
    signals_ = open_signals({SIGCHLD});
    if (!signals_) {
        std::_Exit(EXIT_FAILURE);
    }
}

void ForkServer::run() {
    for (;;) {
        std::array<pollfd, 3> events{};
        events[0] = {control_.get(), POLLIN | POLLRDHUP, 0};
        events[1] = {signals_.get(), POLLIN, 0};
        events[2] = {guard_.get(), POLLIN, 0};
        if (poll_until(events, {sweep_at_}) < 0) {
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
        if (sweep_at_ && *sweep_at_ <= Clock::now()) {
            sweep();
        }
    }
}

// One at a time: between two orders the dead are reaped and the guard is looked after.
void ForkServer::take_order() {
    transport::Packet packet;
    std::error_code error;
    if (transport::receive_packet(control_.get(), packet, error) != transport::Received::packet) {
        return;  // nothing there, or a hang-up that the next poll reports
    }
    const auto order = packet.as<transport::MakeBlankMessage>();
    // Else it is meant for a fork server that died; the host asks again.
    if (order && order->kind == transport::ControlKind::make_blank && order->generation == generation_) {
        make_blank_for_host(order->use);
    }
}

void ForkServer::make_blank_for_host(transport::BlankFor use) {
    std::error_code error;
    const std::optional<Blank> blank = make_blank(use, error);
    if (blank) {
        children_.insert(blank->pid);
        transport::BlankMessage message;
        message.pid = blank->pid;
        error = tell_host(message, std::array{blank->process.get(), blank->orders.get()});
        // One that did not get there hears that nobody holds its socket any more, and ends.
    }
    if (error) {
        transport::NoBlankMessage message;
        message.error = error.value();
        tell_host(message);
    }
}

void ForkServer::reap() {
    drain_signals(signals_.get(), SIGCHLD);
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
        if (children_.erase(death.si_pid) > 0) {
            report_exit(death.si_pid, status, usage);
        }
        sweep_soon();
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
    std::vector<pid_t> spared(children_.begin(), children_.end());
    std::sort(spared.begin(), spared.end());
    // What dies of this is reaped, and that has us look again.
    kill_children(spared);
}

void ForkServer::report_exit(pid_t dead, int status, const rusage& usage) {
    transport::ExitedMessage message;
    message.wait_status = status;
    message.pid = dead;
    message.user_microseconds = microseconds(usage.ru_utime);
    message.system_microseconds = microseconds(usage.ru_stime);
    message.peak_resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    tell_host(message);
}

// The socket is non-blocking for the guard's sake; we have nothing better to do than to wait for a slow host, or for
// memory.
template <typename T>
std::error_code ForkServer::tell_host(const T& message, std::span<const int> descriptors) {
    for (;;) {
        const std::error_code error = transport::send_message(control_.get(), message, descriptors);
        if (error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again) {
            wait_for_host(POLLOUT, -1);
        } else if (transport::is_shortage(error)) {
            wait_for_host(0, transport::kShortagePause);
        } else {
            return error;
        }
    }
}

void ForkServer::wait_for_host(short what, int milliseconds) {
    std::array<pollfd, 2> events{};
    events[0] = {control_.get(), what, 0};
    events[1] = {guard_.get(), POLLIN, 0};
    if (::poll(events.data(), events.size(), milliseconds) > 0 && events[1].revents != 0) {
        outlive_guard();
    }
}

// Somebody killed the guard. What it would have done when the host ends is done now.
void ForkServer::outlive_guard() {
    end_all_children();
    std::_Exit(EXIT_SUCCESS);
}

}  // namespace bulkhead::worker
