#include "support/command_line.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "support/until.hpp"

namespace bulkhead::tests {
namespace {

// Both ends of a pipe; closed with this object.
struct Pipe {
    Pipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close_end(std::size_t end) {
        if (ends[end] >= 0) {
            ::close(ends[end]);
        }
        ends[end] = -1;
    }
    std::array<int, 2> ends{-1, -1};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (!more.contains(text.substr(0, text.find('=')))) {
            all.push_back(text);
        }
    }
    for (const auto& [name, value] : more) {
        all.push_back(name + "=" + value);
    }
    return all;
}

// In the child: only what may be done after a fork.
[[noreturn]] void become(const char* program, char* const* arguments, char* const* environment, const char* folder,
                         const std::array<int, 3>& standard, const std::vector<int>& closed) {
    for (int descriptor = 0; descriptor < 3; ++descriptor) {
        ::dup2(standard[static_cast<std::size_t>(descriptor)], descriptor);
    }
    for (const int descriptor : closed) {
        ::close(descriptor);
    }
    if (*folder != '\0' && ::chdir(folder) != 0) {
        ::_exit(126);
    }
    ::execve(program, arguments, environment);
    ::_exit(127);
}

// Feeds and empties the pipes until both outputs have ended. False: not in time.
bool converse(Pipe& input, std::string_view text, Pipe& out, std::string& out_text, Pipe& err, std::string& err_text) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    ::fcntl(input.ends[1], F_SETFL, O_NONBLOCK);
    bool out_open = out.ends[0] >= 0;
    bool err_open = true;
    const auto read_into = [](int descriptor, std::string& target) {
        std::array<char, 65536> buffer;
        const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
        target.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return size > 0;
    };
    while (out_open || err_open) {
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd events[] = {{out_open ? out.ends[0] : -1, POLLIN, 0},
                           {err_open ? err.ends[0] : -1, POLLIN, 0},
                           {input.ends[1], POLLOUT, 0}};
        if (::poll(events, 3, static_cast<int>(std::max<long>(rest.count(), 0))) <= 0) {
            return false;
        }
        if (events[0].revents != 0) {
            out_open = read_into(out.ends[0], out_text);
        }
        if (events[1].revents != 0) {
            err_open = read_into(err.ends[0], err_text);
        }
        if (events[2].revents != 0) {
            const ssize_t size = text.empty() ? 0 : ::write(input.ends[1], text.data(), text.size());
            text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            if (text.empty() || size < 0) {
                input.close_end(1);
            }
        }
    }
    return true;
}

}  // namespace

std::filesystem::path bulkhead_program() { return BULKHEAD_CLI; }

Ran run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                const Surroundings& surroundings) {
    // A program that ends before it has read its input must not end the test.
    ::signal(SIGPIPE, SIG_IGN);
    std::vector<std::string> words{program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = environment_with(surroundings.environment);
    const auto argument_pointers = pointers_to(words);
    const auto variable_pointers = pointers_to(variables);
    const std::string folder = surroundings.folder.string();
    Pipe input;
    Pipe out;
    Pipe err;
    if (surroundings.unread_output) {
        out.close_end(0);
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::signal(SIGPIPE, SIG_DFL);
        become(words.front().c_str(), argument_pointers.data(), variable_pointers.data(), folder.c_str(),
               {input.ends[0], out.ends[1], err.ends[1]}, surroundings.closed);
    }
    REQUIRE(pid > 0);
    input.close_end(0);
    out.close_end(1);
    err.close_end(1);
    Ran ran;
    const bool in_time = converse(input, surroundings.input, out, ran.out, err, ran.err);
    if (!in_time) {
        ::kill(pid, SIGKILL);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE_MESSAGE(in_time, "it took too long, and had printed: " << ran.out << ran.err);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ran;
}

Ran bulkhead(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    return run_program(bulkhead_program(), arguments, surroundings);
}

}  // namespace bulkhead::tests
