#include "support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "support/processes.hpp"

namespace bulkhead::tests {

Program::Program(const std::filesystem::path& executable, const std::vector<std::string>& arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "no pipe for " + executable.string());
    }
    const std::string path = executable.string();
    std::vector<std::string> words{path};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // its own: the default of the group is 0
    const int error = ::posix_spawn(&pid_, path.c_str(), &actions, &attributes, pointers.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    pipe_ = ends[0];
    if (error != 0) {
        ::close(pipe_);
        throw std::system_error(error, std::generic_category(), path);
    }
}

Program::~Program() {
    ::close(pipe_);
    if (pid_ > 0) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
}

bool Program::read_more(std::chrono::steady_clock::time_point deadline) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd event{pipe_, POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(std::max<long>(rest.count(), 0))) <= 0) {
        return false;
    }
    char buffer[4096];
    const ssize_t size = ::read(pipe_, buffer, sizeof buffer);
    output_.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return size > 0;
}

std::string Program::await_line(std::string_view start) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
        std::size_t at = 0;
        for (std::size_t end = output_.find('\n'); end != std::string::npos; end = output_.find('\n', at)) {
            if (output_.compare(at, start.size(), start) == 0) {
                return output_.substr(at + start.size(), end - at - start.size());
            }
            at = end + 1;
        }
        if (!read_more(deadline)) {
            throw std::runtime_error("the program did not print a line that starts with '" + std::string(start) +
                                     "', but this: " + output_);
        }
    }
}

std::string Program::await_end(std::chrono::nanoseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (read_more(deadline)) {
    }
    // Descendants may hold the pipe open longer than it lives, and the other way round.
    const bool ended =
        eventually([this] { return status_of(pid_).state == 'Z'; }, deadline - std::chrono::steady_clock::now());
    if (!ended) {
        throw std::runtime_error("the program still runs; it printed: " + output_);
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status));
}

}  // namespace bulkhead::tests
