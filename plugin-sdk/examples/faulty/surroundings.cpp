#include "surroundings.hpp"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "arguments.hpp"

namespace faulty {

std::map<int, std::string> open_descriptors() {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
    if (folder == nullptr) {
        throw std::system_error(errno, std::generic_category(), "/proc/self/fd");
    }
    std::map<int, std::string> open;
    while (const dirent* entry = ::readdir(folder.get())) {
        const std::string name = entry->d_name;
        if (name.starts_with('.') || name == std::to_string(::dirfd(folder.get()))) {
            continue;
        }
        open[parse_number<int>(name, "open_fds")] = std::filesystem::read_symlink("/proc/self/fd/" + name).string();
    }
    return open;
}

std::string open_fds() {
    std::string text;
    for (const auto& [number, target] : open_descriptors()) {
        text += std::to_string(number) + " " + target + "\n";
    }
    return text;
}

std::string environment() {
    std::string text;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        text += std::string(*variable) + "\n";
    }
    return text;
}

std::string cwd() { return std::filesystem::current_path().string(); }

std::string pid() { return std::to_string(::getpid()); }

std::string limits() {
    std::string text;
    const auto add = [&text](const char* name, auto resource) {
        rlimit limit{};
        ::getrlimit(resource, &limit);
        text += std::string(name) + " " +
                (limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur)) + "\n";
    };
    add("address_space", RLIMIT_AS);
    add("open_files", RLIMIT_NOFILE);
    add("file_size", RLIMIT_FSIZE);
    add("cpu_seconds", RLIMIT_CPU);
    add("stack", RLIMIT_STACK);
    add("core", RLIMIT_CORE);
    return text;
}

std::string no_new_privs() { return std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }

std::string fork_child() {
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (child == 0) {
        ::setsid();
        ::sleep(600);
        ::_exit(0);
    }
    return std::to_string(child);
}

}  // namespace faulty
