#include "support/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>

namespace bulkhead::transport::testing {
namespace {

[[noreturn]] void run(const std::function<std::string()>& body, pid_t parent, int output) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(1);
    }
    std::string sentence;
    try {
        sentence = body();
    } catch (const std::exception& failure) {
        sentence = failure.what();
    }
    const bool told = ::write(output, sentence.data(), sentence.size()) == static_cast<ssize_t>(sentence.size());
    ::_exit(told ? 0 : 1);
}

}  // namespace

Child::Child(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    sentence_.reset(ends[0]);
    const Descriptor output(ends[1]);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (pid_ == 0) {
        run(body, parent, output.get());
    }
    process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

Child::~Child() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

std::string Child::outcome(std::chrono::seconds patience) {
    pollfd death{process_.get(), POLLIN, 0};
    const auto limit = static_cast<int>(std::chrono::milliseconds(patience).count());
    const bool ended = ::poll(&death, 1, limit) == 1;
    if (!ended) {
        ::kill(pid_, SIGKILL);
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    if (!ended) {
        return "the child did not end in time";
    }
    if (WIFSIGNALED(status)) {
        return "the child died of signal " + std::to_string(WTERMSIG(status));
    }
    const std::string sentence = read_sentence();
    return sentence.empty() && WEXITSTATUS(status) != 0 ? "the child exited early" : sentence;
}

std::string Child::read_sentence() const {
    char buffer[512];
    const ssize_t size = ::read(sentence_.get(), buffer, sizeof buffer);
    return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace bulkhead::transport::testing
