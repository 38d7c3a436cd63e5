#include "victim.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>
#include <utility>

#include "bulkhead/plugin/testing/fake_worker.hpp"

// A victim shall die of its fault and not of a sanitizer's report about it.
extern "C" {
__attribute__((used, visibility("default"))) const char* __asan_default_options() {
    return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_abort=0:abort_on_error=1";
}
__attribute__((used, visibility("default"))) const char* __tsan_default_options() {
    return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_abort=0:abort_on_error=1";
}
}

namespace faulty {
namespace {

struct Pipe {
    int read = -1;
    int write = -1;
    Pipe() {
        int ends[2];
        if (::pipe(ends) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe");
        }
        read = ends[0];
        write = ends[1];
    }
};

std::string read_all(int file) {
    std::string text;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(file, buffer, sizeof(buffer))) > 0;) {
        text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
}

// As in a worker nothing above catches an exception.
[[noreturn]] void run_and_exit(const std::function<int()>& body) noexcept {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::alarm(20);
    ::_exit(body());
}

int run_method(const std::string& method, const std::string& request, const std::string& config) {
    using bulkhead::plugin::testing::FakeWorker;
    FakeWorker worker(bulkhead_plugin());
    if (worker.create(config) != 0 || worker.activate() != 0) {
        std::fprintf(stderr, "%d %s\n", static_cast<int>(worker.error().number), worker.error().text);
        return 1;
    }
    if (!method.empty()) {
        worker.call(method, request);
    }
    worker.deactivate();
    return Victim::kReturned;
}

}  // namespace

Victim::Victim(const std::function<int()>& body) {
    const Pipe output;
    const Pipe errors;
    std::fflush(stdout);  // or the child would write it too
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(output.write, STDOUT_FILENO);
        ::dup2(errors.write, STDERR_FILENO);
        for (const int end : {output.read, output.write, errors.read, errors.write}) {
            ::close(end);
        }
        run_and_exit(body);
    }
    ::close(output.write);
    ::close(errors.write);
    stdout_ = output.read;
    stderr_ = errors.read;
}

Victim::Victim(std::string method, std::string request, std::string config)
    : Victim([&] { return run_method(method, request, config); }) {}

Victim::~Victim() {
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(stdout_);
    ::close(stderr_);
}

bool Victim::wait_until_stopped() const {
    siginfo_t info{};
    // Leaves an end to be waited for by wait().
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) == 0 &&
           info.si_code == CLD_STOPPED;
}

Outcome Victim::wait() {
    Outcome outcome;
    outcome.output = read_all(stdout_) + read_all(stderr_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ended_ = true;
    if (WIFSIGNALED(status)) {
        outcome.signal = WTERMSIG(status);
    } else {
        outcome.exit_code = WEXITSTATUS(status);
    }
    return outcome;
}

}  // namespace faulty
