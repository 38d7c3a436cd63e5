#include "descendants.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
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

std::size_t kill_listed_children(std::FILE* list, std::span<const pid_t> spared) noexcept {
    std::size_t killed = 0;
    for (int pid = 0; std::fscanf(list, "%d", &pid) == 1;) {
        if (pid > 0 && !std::binary_search(spared.begin(), spared.end(), pid) && ::kill(pid, SIGKILL) == 0) {
            ++killed;
        }
    }
    return killed;
}

// Where the kernel lists no children, every process is asked for its parent: milliseconds on a busy machine.
std::size_t kill_children_among_all(std::span<const pid_t> spared) noexcept {
    DIR* proc = ::opendir("/proc");
    if (proc == nullptr) {
        return 0;
    }
    const pid_t self = ::getpid();
    std::size_t killed = 0;
    while (const dirent* entry = ::readdir(proc)) {
        const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        if (pid <= 0 || std::binary_search(spared.begin(), spared.end(), pid)) {
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

}  // namespace

std::size_t kill_children(std::span<const pid_t> spared) noexcept {
    // The list misses none: it could only while a child is taken off it, and that we do ourselves, by reaping it. One
    // thread has all our children.
    std::FILE* const list = std::fopen("/proc/thread-self/children", "re");
    if (list == nullptr) {
        return kill_children_among_all(spared);
    }
    const std::size_t killed = kill_listed_children(list, spared);
    std::fclose(list);
    return killed;
}

void end_all_children() noexcept {
    // Without a readable /proc some may stay unknown; then they are waited for, but not forever.
    constexpr int kFruitlessLooks = 2000;
    constexpr timespec kPause{0, 1'000'000};
    int fruitless = 0;
    while (fruitless < kFruitlessLooks) {
        const std::size_t killed = kill_children({});
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
