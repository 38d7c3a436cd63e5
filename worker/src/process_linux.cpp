#include "process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <cstdlib>

namespace bulkhead::worker {
namespace {

// For kernels before 5.9. Closing while reading the folder is fine: procfs goes by number.
void close_listed(unsigned first, unsigned last) noexcept {
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) {
        return;
    }
    while (const dirent* entry = ::readdir(folder)) {
        const auto number = static_cast<unsigned>(std::strtoul(entry->d_name, nullptr, 10));
        if (number >= first && number <= last && static_cast<int>(number) != ::dirfd(folder)) {
            ::close(static_cast<int>(number));
        }
    }
    ::closedir(folder);
}

void close_between(unsigned first, unsigned last) noexcept {
    if (first <= last && ::syscall(SYS_close_range, first, last, 0) != 0) {
        close_listed(first, last);
    }
}

// Faults of one's own, what a terminal does to a whole job, and SIGCHLD, whose signalfd says nothing of ignored ones.
constexpr std::array kNeverIgnored{SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,
                                   SIGKILL, SIGSTOP, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD};

bool may_be_ignored(int number) noexcept {
    return std::find(kNeverIgnored.begin(), kNeverIgnored.end(), number) == kNeverIgnored.end();
}

// Past the C library, which keeps two signals to itself that anybody can send.
void set_disposition(int number, sighandler_t disposition) noexcept {
    // As the kernel has it: handler, flags, restorer, mask.
    const std::array<std::uint64_t, 4> action{reinterpret_cast<std::uintptr_t>(disposition)};
    ::syscall(SYS_rt_sigaction, number, action.data(), nullptr, sizeof action[3]);
}

void unblock_signals() noexcept {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void reset_signals() noexcept {
    for (int number = 1; number < NSIG; ++number) {
        set_disposition(number, SIG_DFL);
    }
    unblock_signals();
}

// One step for each signal: what is ignored before and after is never deadly between.
void ignore_signals_of_others() noexcept {
    for (int number = 1; number < NSIG; ++number) {
        set_disposition(number, may_be_ignored(number) ? SIG_IGN : SIG_DFL);
    }
    unblock_signals();
}

bool rule_out_core_dumps() noexcept {
    // Not 0: a core_pattern that begins with '|' starts its program whatever the limit is. Only at 1 byte the kernel
    // gives up (do_coredump in Linux' fs/coredump.c), and for a file that is too little.
    constexpr rlimit kOneByte{1, 1};
    if (::setrlimit(RLIMIT_CORE, &kOneByte) == 0) {
        return true;
    }
    // Who started us had a hard limit of 0, and that cannot be raised: at least there are no files.
    rlimit limit{};
    return ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0;
}

transport::Descriptor open_signals(std::initializer_list<int> signals) noexcept {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : signals) {
        ::sigaddset(&set, number);
    }
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return transport::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool drain_signals(int signals, int number) noexcept {
    bool came = false;
    for (signalfd_siginfo signal{}; ::read(signals, &signal, sizeof signal) > 0;) {
        came = came || signal.ssi_signo == static_cast<std::uint32_t>(number);
    }
    return came;
}

void close_all_but(std::span<const int> kept) noexcept {
    unsigned first = 3;
    for (const int number : kept) {
        close_between(first, static_cast<unsigned>(number) - 1);
        first = static_cast<unsigned>(number) + 1;
    }
    close_between(first, UINT_MAX);
}

bool null_standard_streams() noexcept {
    const int null = ::open("/dev/null", O_RDWR);
    if (null < 0) {
        return false;
    }
    const bool done = ::dup2(null, 0) == 0 && ::dup2(null, 1) == 1 && ::dup2(null, 2) == 2;
    if (null > 2) {
        ::close(null);
    }
    return done;
}

void die_with_parent(pid_t parent) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(0);
    }
}

void leave_terminal() noexcept {
    // Not a session of its own: where the kernel groups by session what it schedules (autogroup), workers of a busy
    // server and a busy machine waited for a core for seconds.
    ::setpgid(0, 0);
    const transport::Descriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (terminal) {
        ::ioctl(terminal.get(), TIOCNOTTY);
    }
}

void set_process_name(const char* name) noexcept { ::prctl(PR_SET_NAME, name); }

void adopt_orphans() noexcept { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

transport::Descriptor open_process(pid_t process) noexcept {
    return transport::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
}

void go_on_without_parent() noexcept { ::prctl(PR_SET_PDEATHSIG, SIGCONT); }

}  // namespace bulkhead::worker
