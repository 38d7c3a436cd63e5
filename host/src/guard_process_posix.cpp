// Boost.Process 1.81 needs these first, in this order.
// clang-format off
#include <algorithm>
#include <limits>
#include <filesystem>
#include <boost/optional.hpp>
#include <boost/type_traits/decay.hpp>
#include <boost/type_traits/is_convertible.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
// clang-format on

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bulkhead/transport/launch_protocol.hpp>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "guard_process.hpp"
#include "signal_block.hpp"

// Debian 12's headers name it, others may not.
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace bulkhead::detail {
namespace {

namespace process = boost::process::v2;

// In the child, until it has become the guard. Next to the others, because Boost.Process leaves gaps open.
constexpr int kExecutableDescriptor = transport::kGuardHostDescriptor + 1;
constexpr int kFirstFreeDescriptor = kExecutableDescriptor + 1;
constexpr char kExecutablePath[] = "/proc/self/fd/5";
static_assert(kExecutableDescriptor == 5);
constexpr const char* kArguments[] = {"bulkhead-worker", "--guard", nullptr};

// Boost.Process initializer: gives the child descriptors under fixed numbers, and an end without the host's
// atexit handlers when the executable cannot be run. (bind_fd of 1.81 lacks a return statement.)
struct GuardDescriptors {
    int control;
    int host;
    int executable;

    template <typename Launcher>
    process::error_code on_setup(Launcher& launcher, const std::filesystem::path&, const char* const*&) const {
        launcher.fd_whitelist.push_back(transport::kGuardControlDescriptor);
        launcher.fd_whitelist.push_back(transport::kGuardHostDescriptor);
        launcher.fd_whitelist.push_back(kExecutableDescriptor);
        return {};
    }

    template <typename Launcher>
    process::error_code on_exec_setup(Launcher&, const std::filesystem::path&, const char* const*& arguments) const {
        // As it does for itself later: should it be stopped before that, it goes on when the host dies.
        ::prctl(PR_SET_PDEATHSIG, SIGCONT);
        // Out of the way first, so that no target overwrites a source.
        const int control_copy = ::fcntl(control, F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
        const int host_copy = ::fcntl(host, F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
        const int executable_copy = ::fcntl(executable, F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
        if (control_copy < 0 || host_copy < 0 || executable_copy < 0 ||
            ::dup2(control_copy, transport::kGuardControlDescriptor) < 0 ||
            ::dup2(host_copy, transport::kGuardHostDescriptor) < 0 ||
            ::dup3(executable_copy, kExecutableDescriptor, O_CLOEXEC) < 0) {
            return {errno, boost::system::system_category()};
        }
        arguments = kArguments;  // what ps shows, instead of the descriptor's path
        return {};
    }

    // 1.81 looks for a function of five arguments and then calls one of four.
    template <typename... Arguments>
    void on_exec_error(Arguments&&...) const {
        ::_exit(127);
    }
};

struct EmptyEnvironment {
    template <typename Launcher>
    process::error_code on_setup(Launcher& launcher, const std::filesystem::path&, const char* const*&) {
        launcher.env = variables;
        return {};
    }
    const char* variables[1] = {nullptr};
};

// Boost.Process waits until its child has become the guard. Should somebody stop the child before that, it would wait
// for ever; so the child is told to go on now and then. One that still has not become it after kPatience never will: it
// may wait for a lock that another thread of the server held when the child was forked, in whatever the server has for
// malloc or among its handlers of pthread_atfork. So it is killed, and looks like a guard that died at once. Without a
// thread to be had nobody does all that.
class Continuer : public boost::asio::execution_context::service {
  public:
    static inline boost::asio::execution_context::id id;

    Continuer(boost::asio::execution_context& context, const process::default_process_launcher& launcher)
        : service(context), launcher_(launcher) {
        const SignalBlock blocked;
        try {
            thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
        } catch (const std::system_error&) {
        }
    }

    // The child is the guard, or about to be reaped: its number is not to be used any more.
    void stop() { set_child(0); }

  private:
    void shutdown() override {}
    void set_child(pid_t child) {
        const std::lock_guard lock(mutex_);
        child_ = child;
    }
    void notify_fork(boost::asio::execution_context::fork_event event) override {
        if (event == boost::asio::execution_context::fork_parent) {
            set_child(launcher_.pid);
        }
    }
    void run(const std::stop_token& stop) {
        constexpr std::chrono::milliseconds kPause{100};
        constexpr std::chrono::seconds kPatience{10};
        const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, stop, kPause, [&stop] { return stop.stop_requested(); })) {
            const bool gives_up = std::chrono::steady_clock::now() >= give_up_at;
            if (child_ > 0) {
                ::kill(child_, gives_up ? SIGKILL : SIGCONT);
                child_ = gives_up ? 0 : child_;  // from now on the server may reap it
            }
        }
    }

    const process::default_process_launcher& launcher_;
    std::mutex mutex_;
    pid_t child_ = 0;
    std::condition_variable_any changed_;
    std::jthread thread_;
};

std::error_code last_error() { return {errno, std::generic_category()}; }

// Where no descriptor of the child's will be.
transport::Descriptor open_null() {
    const transport::Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return transport::Descriptor(null ? ::fcntl(null.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor) : -1);
}

// Calls `launch`, which forks. What it throws in the child, where Asio makes its descriptors and Boost.Process its
// lists once more, ends the child: all that could catch it there is the server's, and would run a second time.
template <typename Launch>
auto only_here(Launch&& launch) {
    const pid_t here = ::getpid();
    try {
        return launch();
    } catch (...) {
        if (::getpid() != here) {
            ::_exit(127);
        }
        throw;
    }
}

// Boost.Process leaves a child whose start failed to whoever reaps it. Once.
void end_child(process::default_process_launcher& launcher) {
    const int pid = std::exchange(launcher.pid, -1);
    if (pid > 0) {
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

}  // namespace

std::error_code GuardProcess::start(const transport::Descriptor& executable, const transport::Descriptor& far_end) {
    const transport::Descriptor self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!self) {
        return last_error();
    }
    const transport::Descriptor null = open_null();
    if (!null) {
        return last_error();
    }
    process::default_process_launcher launcher;
    try {
        boost::asio::io_context context;
        // Has it open what it needs. Later, for want of a descriptor, it would leave the child's pidfd behind.
        const boost::asio::posix::stream_descriptor opened(context);
        auto& continuer = boost::asio::make_service<Continuer>(context, launcher);
        EmptyEnvironment environment;
        process::error_code error;
        // With the executor, not the context: that overload of 1.81 throws instead of setting the error.
        process::process child = only_here([&] {
            // In a server that has closed them our own descriptors may be 0 to 2, so these are moved away first.
            return launcher(context.get_executor(), error, std::filesystem::path(kExecutablePath),
                            std::vector<std::string>(), GuardDescriptors{far_end.get(), self.get(), executable.get()},
                            process::process_stdio{null.get(), null.get(), null.get()}, environment);
        });
        continuer.stop();
        if (error) {
            end_child(launcher);
            return {error.value(), std::generic_category()};
        }
        pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.id(), 0)));
        const std::error_code unwatched = last_error();
        child.detach();
        if (!pidfd_) {
            end_child(launcher);
            return unwatched;
        }
        return {};
    } catch (const boost::system::system_error& error) {  // no descriptors for Asio's own
        end_child(launcher);
        return {error.code().value(), std::generic_category()};
    } catch (...) {  // no memory
        end_child(launcher);
        throw;
    }
}

void GuardProcess::end(std::chrono::milliseconds patience) noexcept {
    if (!pidfd_) {
        return;
    }
    pollfd gone{pidfd_.get(), POLLIN, 0};
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto rest = patience;
    while (::poll(&gone, 1, static_cast<int>(std::max<std::int64_t>(0, rest.count()))) < 0 && errno == EINTR) {
        rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    }
    if ((gone.revents & POLLIN) == 0) {
        ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    }
    // ECHILD: the server ignores SIGCHLD or reaps everything itself.
    siginfo_t status{};
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &status, WEXITED) < 0 &&
           errno == EINTR) {
    }
    pidfd_.reset();
}

}  // namespace bulkhead::detail
