#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "debugger.hpp"
#include "failure.hpp"

namespace bulkhead::cli {
namespace {

constexpr int kNotice = 3;  // gdb's end of the pipe on which it says that it has attached

class Pipe {
  public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
            throw Failure(ExitCode::not_loaded, "there is no descriptor left for gdb; raise `ulimit -n`");
        }
    }
    ~Pipe() {
        ::close(ends_[0]);
        close_writer();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    void close_writer() {
        if (ends_[1] >= 0) {
            ::close(ends_[1]);
        }
        ends_[1] = -1;
    }

  private:
    std::array<int, 2> ends_{-1, -1};
};

// False: private libraries are loaded too, and which is which cannot be told from outside.
bool loaded_one_library(std::int64_t worker) {
    std::ifstream maps("/proc/" + std::to_string(worker) + "/maps");
    std::set<std::string> files;
    for (std::string line; std::getline(maps, line);) {
        if (line.find("/memfd:bulkhead-library") != std::string::npos) {
            std::istringstream fields(line);
            std::string range, rights, offset, device, file;
            fields >> range >> rights >> offset >> device >> file;
            files.insert(file);
        }
    }
    return files.size() == 1;
}

std::vector<std::string> command_line(std::int64_t worker, const std::filesystem::path& root) {
    // Without its pager, which would wait for a key before the worker is continued.
    return {"gdb",   "--quiet",
            "-iex",  "set pagination off",
            "-iex",  "set sysroot " + root.string(),
            "--pid", std::to_string(worker),
            "-ex",   "shell printf x >&" + std::to_string(kNotice),
            "-ex",   "continue"};
}

// False: there is no process, it is stopped by its debugger, or it has none any more.
bool runs_traced(std::int64_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    bool runs = false;
    bool traced = false;
    for (std::string line; std::getline(status, line);) {
        runs = runs || (line.starts_with("State:") && line.find("(tracing stop)") == std::string::npos);
        traced = traced || (line.starts_with("TracerPid:") && line != "TracerPid:\t0");
    }
    return runs && traced;
}

pid_t spawn(std::vector<std::string> words, int notice) {
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, notice, kNotice);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t defaults;
    ::sigemptyset(&defaults);
    for (const int signal : {SIGINT, SIGQUIT, SIGPIPE}) {
        ::sigaddset(&defaults, signal);
    }
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, arguments.front(), &files, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        throw Failure(ExitCode::not_loaded, error == ENOENT
                                                ? "gdb is not there; install it, or replay without --gdb"
                                                : "gdb cannot be started: " + std::generic_category().message(error) +
                                                      "; replay without --gdb");
    }
    return pid;
}

}  // namespace

Debugger::Debugger(std::int64_t worker, const std::filesystem::path& library)
    : root_(std::in_place, loaded_one_library(worker) ? library : std::filesystem::path()) {
    Pipe notice;
    gdb_ = spawn(command_line(worker, root_->path()), notice.writer());
    // At the terminal they are meant for gdb.
    interrupt_ = ::signal(SIGINT, SIG_IGN);
    quit_ = ::signal(SIGQUIT, SIG_IGN);
    notice.close_writer();
    await_attached(worker, notice.reader());
}

Debugger::~Debugger() { wait(); }

void Debugger::await_attached(std::int64_t worker, int notice) {
    bool attached = false;
    for (;;) {
        constexpr int kLook = 5;  // milliseconds; a process that runs on rings no bell
        pollfd waited{notice, POLLIN, 0};
        ::poll(&waited, 1, attached ? kLook : -1);
        char byte = 0;
        const bool readable = (waited.revents & (POLLIN | POLLHUP)) != 0;
        if (readable && ::read(notice, &byte, 1) <= 0) {
            wait();
            throw Failure(ExitCode::not_loaded,
                          "gdb ended before the request was sent; where it may not attach, try as root, or set "
                          "kernel.yama.ptrace_scope to 0");
        }
        attached = attached || readable;
        if (attached && runs_traced(worker)) {
            return;
        }
    }
}

void Debugger::wait() {
    if (gdb_ == 0) {
        return;
    }
    while (::waitpid(gdb_, nullptr, 0) < 0 && errno == EINTR) {
    }
    gdb_ = 0;
    root_.reset();  // before Ctrl-C can end this program
    ::signal(SIGINT, interrupt_);
    ::signal(SIGQUIT, quit_);
}

}  // namespace bulkhead::cli
