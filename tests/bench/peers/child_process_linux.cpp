#include "child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>

#include "../cores.hpp"

namespace bulkhead::bench::peers {
namespace {

volatile bool ending = false;

[[noreturn]] void be_child(pid_t parent, int core, int ready,
                           const std::function<void(const ChildProcess::Ready&)>& run) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);    // which one that is held hears too
    ::dup2(STDERR_FILENO, STDOUT_FILENO);  // where this program's answers go
    int status = 1;
    if (::getppid() == parent && pin(0, core)) {
        try {
            run([ready] { (void)!::write(ready, "r", 1); });
            status = 0;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
        }
    }
    ::_exit(status);
}

}  // namespace

ChildProcess::ChildProcess(int core, const std::function<void(const Ready&)>& run) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe for a child process");
    }
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::close(ready[0]);
        be_child(parent, core, ready[1], run);
    }
    ::close(ready[1]);
    char byte = 0;
    const bool is_ready = pid_ > 0 && ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
    if (!is_ready) {
        if (pid_ > 0) {
            ::waitpid(pid_, nullptr, 0);
        }
        throw std::runtime_error("its other process did not get ready");
    }
}

ChildProcess::~ChildProcess() {
    ::kill(pid_, SIGTERM);
    resume();
    ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::hold() const { ::kill(pid_, SIGSTOP); }

void ChildProcess::resume() const { ::kill(pid_, SIGCONT); }

const volatile bool& asked_to_end() {
    struct sigaction action = {};
    action.sa_handler = [](int) { ending = true; };
    ::sigaction(SIGTERM, &action, nullptr);
    return ending;
}

}  // namespace bulkhead::bench::peers
