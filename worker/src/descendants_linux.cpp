#include "descendants.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bulkhead::worker {
namespace {

struct ProcessState {
    char state = '?';
    pid_t parent = 0;
};

// "PID (COMMAND) STATE PARENT ...": the command may hold anything, so the last parenthesis counts.
ProcessState parse_stat(const char* text) noexcept {
    ProcessState result;
    if (const char* end = std::strrchr(text, ')')) {
        std::sscanf(end + 1, " %c %d", &result.state, &result.parent);
    }
    return result;
}

ProcessState read_state(int proc, const char* pid) noexcept {
    char path[32];
    std::snprintf(path, sizeof path, "%.20s/stat", pid);
    const int file = ::openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return {};  // it is gone
    }
    char text[256];  // command names are short; what we want comes right after
    const ssize_t size = ::read(file, text, sizeof text - 1);
    ::close(file);
    if (size <= 0) {
        return {};
    }
    text[size] = '\0';
    return parse_stat(text);
}

bool is_dead(char state) noexcept { return state == 'Z' || state == 'X'; }

}  // namespace

std::size_t kill_children(pid_t spared) noexcept {
    // Not every kernel has /proc/PID/task/TID/children, so every process is asked for its parent.
    DIR* proc = ::opendir("/proc");
    if (proc == nullptr) {
        return 0;
    }
    const pid_t self = ::getpid();
    std::size_t killed = 0;
    while (const dirent* entry = ::readdir(proc)) {
        const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid <= 0 || pid == spared) {
            continue;
        }
        const ProcessState process = read_state(::dirfd(proc), entry->d_name);
        if (process.parent == self && !is_dead(process.state)) {
            ::kill(pid, SIGKILL);
            ++killed;
        }
    }
    ::closedir(proc);
    return killed;
}

void end_all_children() noexcept {
    // Without a readable /proc some may stay unknown; then they are waited for, but not forever.
    constexpr int kFruitlessLooks = 2000;
    constexpr timespec kPause{0, 1'000'000};
    int fruitless = 0;
    while (fruitless < kFruitlessLooks) {
        const std::size_t killed = kill_children(0);
        // Each of those will die now, and may leave children of its own to be found in the next round.
        pid_t reaped = ::waitpid(-1, nullptr, killed > 0 ? 0 : WNOHANG);
        while (reaped > 0) {
            reaped = ::waitpid(-1, nullptr, WNOHANG);
        }
        if (reaped < 0 && errno == ECHILD) {
            return;
        }
        if (killed == 0) {
            ++fruitless;
            ::nanosleep(&kPause, nullptr);
        } else {
            fruitless = 0;
        }
    }
}

}  // namespace bulkhead::worker
