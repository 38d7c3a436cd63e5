#include "known_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bulkhead::detail {
namespace {

using transport::Descriptor;

// A child that waits for a signal. It leads a process group of its own, as workers do.
class Child {
  public:
    Child() {
        int pipe[2];
        REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
        const Descriptor ready(pipe[0]);
        Descriptor far(pipe[1]);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::signal(SIGTERM, SIG_DFL);  // not the one of the tests
            ::setpgid(0, 0);
            far.reset();  // the end of the pipe says so
            for (;;) {
                ::pause();
            }
        }
        REQUIRE(pid_ > 0);
        far.reset();
        char nothing = 0;
        REQUIRE(::read(ready.get(), &nothing, 1) == 0);
        REQUIRE(::getpgid(pid_) == pid_);
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            reap();
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    Descriptor pidfd() const { return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))); }
    int reap() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return status;
    }

  private:
    pid_t pid_ = 0;
};

bool is_dead(const Descriptor& pidfd, int patience) {
    pollfd death{pidfd.get(), POLLIN, 0};
    return ::poll(&death, 1, patience) == 1;
}

TEST_CASE("a process is found again by what is known of it, until it was reaped") {
    Child child;
    KnownProcess known(child.pid(), child.pidfd());
    known.let_go();
    CHECK(static_cast<bool>(known));
    CHECK(known.pid() == child.pid());
    std::error_code error;
    const Descriptor pidfd = known.open(error);
    REQUIRE(static_cast<bool>(pidfd));
    CHECK_FALSE(is_dead(pidfd, 0));
    known.signal(SIGTERM);
    CHECK(is_dead(pidfd, 10'000));
    CHECK(is_dead(known.open(error), 0));  // dead, and not reaped
    CHECK(child.reap() == SIGTERM);
    CHECK_FALSE(static_cast<bool>(known.open(error)));
    CHECK((error == std::errc::no_such_process));
    known.signal(SIGTERM);  // nobody
}

TEST_CASE("a process that was reaped before anybody looked is held by its descriptor, not by its number") {
    Child child;
    const pid_t pid = child.pid();
    Descriptor pidfd = child.pidfd();
    ::kill(child.pid(), SIGKILL);
    child.reap();
    KnownProcess known(pid, std::move(pidfd));
    known.let_go();
    CHECK(static_cast<bool>(known));
    CHECK(known.pid() == pid);
    std::error_code error;
    CHECK(is_dead(known.open(error), 0));
}

TEST_CASE("a process can be ended when no descriptor is left") {
    Child child;
    KnownProcess known(child.pid(), child.pidfd());
    known.let_go();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    std::error_code error;
    const bool opened = static_cast<bool>(known.open(error));
    known.signal(SIGTERM);
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK_FALSE(opened);
    CHECK((error == std::errc::too_many_files_open));
    CHECK(child.reap() == SIGTERM);
}

TEST_CASE("nobody is no process") {
    const KnownProcess nobody;
    CHECK_FALSE(static_cast<bool>(nobody));
    CHECK(nobody.pid() == 0);
}

}  // namespace
}  // namespace bulkhead::detail
