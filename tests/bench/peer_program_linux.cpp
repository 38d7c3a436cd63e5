#include "peer_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>

namespace bulkhead::bench {
namespace {

// With this socket as its standard input and output. What libraries of peers have to say goes nowhere.
pid_t spawn(std::array<std::string, 5> arguments, int socket) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::array<char*, 6> pointers{};
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        pointers[index] = arguments[index].data();
    }
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : 0;
}

// A peer's libraries may wait for each other for ever.
void kill_if_it_stays(pid_t pid) noexcept {
    constexpr int kPatience = 10'000;  // milliseconds
    pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0};
    if (ended.fd < 0 || ::poll(&ended, 1, kPatience) != 1) {
        ::kill(pid, SIGKILL);
    }
    ::close(ended.fd);
}

}  // namespace

PeerProgram::PeerProgram(const std::filesystem::path& program, const std::string& waiting, std::size_t largest,
                         const Cores& cores) {
    std::array<int, 2> ends;
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw PeerUnavailable("no socket for its program");
    }
    pid_ = spawn({program.string(), waiting, std::to_string(cores.caller()), std::to_string(cores.answerer()),
                  std::to_string(largest)},
                 ends[1]);
    ::close(ends[1]);
    stream_ = ::fdopen(ends[0], "r");
    try {
        if (pid_ == 0 || read_line() != "ready") {
            throw PeerUnavailable("the program " + program.string() + " does not start");
        }
    } catch (...) {
        end();
        throw;
    }
}

PeerProgram::~PeerProgram() { end(); }

void PeerProgram::end() noexcept {
    std::fclose(stream_);  // which it takes for the end
    if (pid_ != 0) {
        kill_if_it_stays(pid_);
        ::waitpid(pid_, nullptr, 0);
    }
}

Samples PeerProgram::measure(std::size_t size, std::size_t warm_up, std::size_t samples,
                             std::chrono::microseconds rest) {
    const std::string order = std::to_string(size) + " " + std::to_string(warm_up) + " " + std::to_string(samples) +
                              " " + std::to_string(rest.count()) + "\n";
    // If it is gone, so is what it would answer.
    (void)!::send(::fileno(stream_), order.data(), order.size(), MSG_NOSIGNAL);
    std::istringstream line(read_line());
    Samples measured;
    measured.reserve(samples);
    for (long long nanoseconds = 0; line >> nanoseconds;) {
        measured.add(std::chrono::nanoseconds(nanoseconds));
    }
    if (measured.count() != samples) {
        throw PeerUnavailable("its program does not answer what it is asked");
    }
    return measured;
}

std::string PeerProgram::read_line() {
    char* text = nullptr;
    std::size_t capacity = 0;
    const ssize_t size = ::getline(&text, &capacity, stream_);
    std::string line = size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
    std::free(text);
    if (line.ends_with("\n")) {
        line.pop_back();
    }
    constexpr std::string_view kFailed = "failed: ";
    if (line.empty() || line.starts_with(kFailed)) {
        throw PeerUnavailable(line.empty() ? "its program ended" : line.substr(kFailed.size()));
    }
    return line;
}

}  // namespace bulkhead::bench
