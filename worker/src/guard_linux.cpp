#include "guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "bulkhead/transport/build_stamp.hpp"
#include "bulkhead/transport/layout.hpp"
#include "bulkhead/transport/packet.hpp"
#include "descendants.hpp"
#include "fork_server.hpp"
#include "poll_until.hpp"
#include "process.hpp"

namespace bulkhead::worker {
namespace {

using namespace std::chrono_literals;

// A fork server that lived shorter than this cannot live here; trying again gets slower.
constexpr auto kTooShortLife = 50ms;
constexpr auto kLongestBackoff = std::chrono::milliseconds(1000);

bool would_block(const std::error_code& error) {
    return error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again;
}

}  // namespace

bool Guard::was_started_by_a_host() noexcept {
    struct stat control {};
    return ::fstat(transport::kGuardControlDescriptor, &control) == 0 && S_ISSOCK(control.st_mode) &&
           ::fcntl(transport::kGuardHostDescriptor, F_GETFD) >= 0;
}

Guard::Guard() : control_(transport::kGuardControlDescriptor), host_(transport::kGuardHostDescriptor) {
    ignore_signals_of_others();
    const std::array kept{control_.get(), host_.get()};
    close_all_but(kept);
    // Ctrl-C in the server's terminal is the server's business. The umask stays the host's, so that files a plugin
    // makes look as if the server had made them.
    leave_terminal();
    set_process_name("bulkhead-guard");
    adopt_orphans();
    go_on_without_parent();
    self_ = open_process(::getpid());
    signals_ = open_signals({SIGCHLD, SIGCONT});
    const bool ready = null_standard_streams() && ::chdir("/") == 0 && self_ && signals_;
    // A stopped host must not block the guard in a send; the fork server waits for room by itself.
    if (!ready || ::fcntl(control_.get(), F_SETFL, O_NONBLOCK) != 0) {
        std::_Exit(EXIT_FAILURE);
    }
}

void Guard::run() {
    say_hello();
    start_fork_server();
    while (wait_for_events()) {
        reap();
        do_what_is_due();
    }
    end_everything();
}

void Guard::say_hello() {
    transport::HelloMessage hello;
    hello.layout_version = transport::kLayoutVersion;
    static_assert(sizeof transport::kBuildStamp == sizeof hello.build_stamp + 1);
    std::memcpy(hello.build_stamp, transport::kBuildStamp, sizeof hello.build_stamp);
    // The first message into an empty socket: it fails only when the host is gone.
    if (transport::send_message(control_.get(), hello)) {
        std::_Exit(EXIT_FAILURE);
    }
}

void Guard::start_fork_server() {
    fork_at_.reset();
    forked_at_ = Clock::now();
    ++generation_;
    const pid_t child = ::fork();
    if (child == 0) {
        run_fork_server({control_.release(), self_.release(), generation_});
    }
    if (child < 0) {
        on_fork_server_death();
        return;
    }
    fork_server_ = child;
    announced_ = false;
    announce_fork_server();
}

void Guard::announce_fork_server() {
    transport::ForkServerStartedMessage message;
    message.generation = generation_;
    message.pid = fork_server_;
    std::error_code error = transport::send_message(control_.get(), message);
    for (pollfd host{host_.get(), POLLIN, 0};
         transport::is_shortage(error) && ::poll(&host, 1, transport::kShortagePause) == 0;) {
        error = transport::send_message(control_.get(), message);
    }
    // Any other failure means that the host is gone, which the next wait finds out.
    announced_ = !would_block(error);
}

// True while there is a host to work for.
bool Guard::wait_for_events() {
    std::array<pollfd, 3> events{};
    events[0] = {host_.get(), POLLIN, 0};
    events[1] = {control_.get(), static_cast<short>(POLLRDHUP | (announced_ ? 0 : POLLOUT)), 0};
    events[2] = {signals_.get(), POLLIN, 0};
    if (poll_until(events, {fork_at_, sweep_at_}) < 0) {
        return true;
    }
    if (events[0].revents != 0 || (events[1].revents & ~POLLOUT) != 0) {
        return false;
    }
    if (!announced_ && fork_server_ != 0) {
        announce_fork_server();
    }
    if (events[2].revents != 0) {
        const bool is_told_to_go_on = drain_signals(signals_.get(), SIGCONT);
        if (is_told_to_go_on && fork_server_ != 0) {
            ::kill(fork_server_, SIGCONT);
        }
    }
    return true;
}

void Guard::reap() {
    for (;;) {
        const pid_t dead = ::waitpid(-1, nullptr, WNOHANG);
        if (dead <= 0) {
            return;
        }
        // An orphan's own children became ours when it died.
        sweep_soon();
        if (dead == fork_server_) {
            on_fork_server_death();
        }
    }
}

void Guard::on_fork_server_death() {
    fork_server_ = 0;
    announced_ = true;
    // Its workers die with it; whatever they had started is ours now.
    kill_children({});
    const bool short_life = Clock::now() - forked_at_ < kTooShortLife;
    backoff_ = short_life ? std::clamp<Clock::duration>(2 * backoff_, 1ms, kLongestBackoff) : Clock::duration{};
    fork_at_ = Clock::now() + backoff_;
}

void Guard::sweep_soon() {
    if (!sweep_at_) {
        sweep_at_ = Clock::now() + kSweepDelay;
    }
}

void Guard::do_what_is_due() {
    const auto now = Clock::now();
    if (sweep_at_ && *sweep_at_ <= now) {
        sweep_at_.reset();
        // What dies of this is reaped, and that has us look again.
        kill_children(std::array{fork_server_});
    }
    if (fork_at_ && *fork_at_ <= now) {
        start_fork_server();
    }
}

void Guard::end_everything() {
    if (fork_server_ != 0) {
        // First, so that it makes no more workers; those it has die with it.
        ::kill(fork_server_, SIGKILL);
    }
    end_all_children();
    std::_Exit(EXIT_SUCCESS);
}

}  // namespace bulkhead::worker
