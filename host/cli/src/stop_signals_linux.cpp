#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <bulkhead/host/report.hpp>

#include <cerrno>
#include <cstdint>

#include "failure.hpp"
#include "stop_signals.hpp"

namespace bulkhead::cli {

StopSignals::StopSignals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        sigaddset(&wanted, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    events_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signals_ < 0 || events_ < 0) {
        throw Failure(ExitCode::not_loaded,
                      "this process has no descriptor left to wait for signals; raise `ulimit -n`");
    }
}

StopSignals::~StopSignals() {
    release();
    ::close(signals_);
    ::close(events_);
}

StopSignals::Woken StopSignals::wait() {
    for (;;) {
        pollfd waited[] = {{signals_, POLLIN, 0}, {events_, POLLIN, 0}};
        ::poll(waited, 2, -1);
        signalfd_siginfo signal{};
        if (::read(signals_, &signal, sizeof signal) == sizeof signal) {
            received_ = static_cast<int>(signal.ssi_signo);
            return Woken::by_signal;
        }
        std::uint64_t count = 0;
        if (::read(events_, &count, sizeof count) == sizeof count) {
            return Woken::by_event;
        }
    }
}

void StopSignals::wake() noexcept {
    const std::uint64_t one = 1;
    // Full means that a wake-up is on its way already.
    static_cast<void>(::write(events_, &one, sizeof one) == sizeof one);
}

std::string StopSignals::name() const { return signal_name(received_); }

void StopSignals::release() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace bulkhead::cli
