#include "permissions.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace bulkhead::cli {
namespace {

struct Need {
    std::string_view what;
    std::vector<std::string_view> names;  // of functions; one that ends in '*' begins a name
};

// C++ classes show as the mangled names of the standard library's functions behind them.
const std::vector<Need>& all_needs() {
    static const std::vector<Need> kNeeds = {
        {"clocks",
         {"clock", "clock_gettime", "gettimeofday", "time", "times", "timer_*", "timerfd_*", "nanosleep",
          "clock_nanosleep", "sleep", "usleep", "_ZNSt6chrono*"}},
        {"dynamic loading", {"dlopen", "dlmopen", "dlsym", "dlvsym"}},
        {"environment", {"getenv", "secure_getenv", "setenv", "unsetenv", "putenv", "environ", "clearenv"}},
        {"executable memory", {"mprotect", "pkey_mprotect"}},
        {"files",
         {"open",
          "open64",
          "openat",
          "openat64",
          "creat",
          "creat64",
          "fopen",
          "fopen64",
          "freopen",
          "freopen64",
          "opendir",
          "fdopendir",
          "readdir*",
          "scandir*",
          "nftw*",
          "ftw*",
          "glob*",
          "unlink*",
          "remove",
          "rename*",
          "mkdir*",
          "rmdir",
          "link*",
          "symlink*",
          "readlink*",
          "stat*",
          "lstat*",
          "fstatat*",
          "__xstat*",
          "__lxstat*",
          "access",
          "faccessat",
          "chmod",
          "fchmod*",
          "chown",
          "lchown",
          "truncate*",
          "utime*",
          "mkstemp*",
          "mkdtemp",
          "tmpfile*",
          "chdir",
          "fchdir",
          "getcwd",
          "realpath",
          "statvfs*",
          "statfs*",
          "inotify_*",
          "_ZNSt13basic_filebuf*",
          "_ZNSt14basic_ifstream*",
          "_ZNSt14basic_ofstream*",
          "_ZNSt13basic_fstream*",
          "_ZNSt12__basic_file*",
          "_ZNSt10filesystem*",
          "_ZNKSt10filesystem*"}},
        {"network",
         {"socket",     "socketpair",  "connect",    "bind",           "listen",   "accept",  "accept4",  "send",
          "sendto",     "sendmsg",     "sendmmsg",   "recv",           "recvfrom", "recvmsg", "recvmmsg", "getaddrinfo",
          "gethostby*", "getnameinfo", "getifaddrs", "if_nametoindex", "res_*",    "__res_*"}},
        {"output",
         {"printf", "vprintf", "puts", "putchar", "fprintf", "vfprintf", "fputs", "fputc", "perror", "__printf_chk",
          "__fprintf_chk", "__vfprintf_chk", "stdout", "stderr", "syslog", "_ZSt4cout", "_ZSt4cerr", "_ZSt4clog"}},
        {"processes",
         {"fork",   "vfork",        "_Fork",   "clone",   "execv*", "execl*",  "fexecve", "posix_spawn*", "system",
          "popen",  "wait",         "waitpid", "waitid",  "wait3",  "wait4",   "kill",    "killpg",       "tgkill",
          "ptrace", "process_vm_*", "setsid",  "setpgid", "daemon", "pidfd_*", "prctl"}},
        {"random numbers", {"getrandom", "getentropy", "arc4random*", "_ZNSt13random_device*"}},
        {"raw system calls", {"syscall"}},
        {"shared memory",
         {"shm_open", "shm_unlink", "shmget", "shmat", "memfd_create", "mq_*", "sem_open", "semget", "msgget"}},
        {"signals",
         {"signal", "sigaction", "raise", "sigprocmask", "pthread_sigmask", "sigaltstack", "signalfd", "setitimer",
          "alarm"}},
        {"threads", {"pthread_create", "thrd_create", "_ZNSt6thread15_M_start_thread*"}},
        {"users",
         {"getuid", "geteuid", "getgid", "getegid", "setuid", "seteuid", "setgid", "setegid", "setgroups", "getpw*",
          "getgr*", "getlogin*"}},
    };
    return kNeeds;
}

bool matches(std::string_view name, std::string_view pattern) {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

}  // namespace

Needs needs_of(const std::vector<std::string>& imports) {
    Needs needs;
    for (const Need& need : all_needs()) {
        for (const std::string& name : imports) {
            const auto fits = [&name](std::string_view pattern) { return matches(name, pattern); };
            if (std::any_of(need.names.begin(), need.names.end(), fits)) {
                needs[std::string(need.what)].push_back(name);
            }
        }
    }
    return needs;
}

}  // namespace bulkhead::cli
