#include "support/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sstream>

#include "process.hpp"

namespace bulkhead::worker::test {
namespace {

struct Stat {
    char state = 'X';
    pid_t parent = 0;
    std::string name;
};

Stat read_stat(const std::string& pid) {
    // Not a stream, which throws when the process goes between opening and reading.
    const transport::Descriptor file(::open(("/proc/" + pid + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    char bytes[512];
    const ssize_t size = file ? ::read(file.get(), bytes, sizeof bytes) : 0;
    const std::string text(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    Stat result;
    if (close != std::string::npos) {
        result.name = text.substr(open + 1, close - open - 1);
        std::istringstream(text.substr(close + 1)) >> result.state >> result.parent;
    }
    return result;
}

bool is_living(const Stat& stat) { return stat.state != 'Z' && stat.state != 'X'; }

}  // namespace

bool await_readable(int descriptor) {
    const auto deadline = patience();
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd event{descriptor, POLLIN, 0};
        const int ready = ::poll(&event, 1, static_cast<int>(std::max<long>(left.count(), 0)));
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

bool await_gone(pid_t process) {
    const transport::Descriptor descriptor = open_process(process);
    return !descriptor || await_readable(descriptor.get());
}

bool is_alive(pid_t process) { return is_living(read_stat(std::to_string(process))); }

pid_t parent_of(pid_t process) { return read_stat(std::to_string(process)).parent; }

std::string name_of(pid_t process) { return read_stat(std::to_string(process)).name; }

std::vector<pid_t> children_of(pid_t process) {
    std::vector<pid_t> children;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        const Stat stat = read_stat(name);
        if (stat.parent == process && is_living(stat)) {
            children.push_back(std::stoi(name));
        }
    }
    return children;
}

Bystander::Bystander() : pid_(::fork()) {
    while (pid_ == 0) {
        ::pause();
    }
}

void Bystander::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
}

}  // namespace bulkhead::worker::test
