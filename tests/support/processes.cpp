#include "support/processes.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

bool is_number(const std::string& name) { return name.find_first_not_of("0123456789") == std::string::npos; }

// Empty when the process is gone, also when it goes while it is read.
std::string read_text(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The numbers that name the folders in `path`; none when it is gone.
std::vector<pid_t> numbers_in(const fs::path& path) {
    std::vector<pid_t> numbers;
    std::error_code error;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (is_number(name)) {
            numbers.push_back(std::stoi(name));
        }
    }
    return numbers;
}

// "switches: 12" in the lines of a status file, for both kinds of switches.
unsigned long long switches_in(const std::string& status) {
    unsigned long long sum = 0;
    std::istringstream lines(status);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t at = line.find("ctxt_switches:");
        if (at != std::string::npos) {
            sum += std::stoull(line.substr(line.find(':') + 1));
        }
    }
    return sum;
}

}  // namespace

ProcessStatus status_of(pid_t pid) {
    // "PID (NAME) STATE PARENT ...": the name may hold anything, so the last parenthesis counts.
    const std::string text = read_text("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t open = text.find('(');
    const std::size_t close = text.rfind(')');
    ProcessStatus status;
    status.pid = pid;
    if (open != std::string::npos && close != std::string::npos) {
        status.name = text.substr(open + 1, close - open - 1);
        std::istringstream(text.substr(close + 1)) >> status.state >> status.parent;
    }
    return status;
}

bool is_alive(pid_t pid) {
    const char state = status_of(pid).state;
    return state != 'X' && state != 'Z';
}

bool await_gone(pid_t pid, std::chrono::nanoseconds patience) {
    return eventually([pid] { return !is_alive(pid); }, patience);
}

std::vector<ProcessStatus> all_processes() {
    std::vector<ProcessStatus> all;
    for (const pid_t pid : numbers_in("/proc")) {
        const ProcessStatus status = status_of(pid);
        if (status.state != 'X') {
            all.push_back(status);
        }
    }
    return all;
}

std::vector<ProcessStatus> children_of(pid_t pid) {
    std::vector<ProcessStatus> children = all_processes();
    std::erase_if(children, [pid](const ProcessStatus& process) { return process.parent != pid; });
    return children;
}

std::vector<ProcessStatus> descendants_of(pid_t pid) {
    const std::vector<ProcessStatus> all = all_processes();
    std::vector<ProcessStatus> found;
    std::vector<pid_t> parents{pid};
    while (!parents.empty()) {
        const pid_t parent = parents.back();
        parents.pop_back();
        for (const ProcessStatus& process : all) {
            if (process.parent == parent) {
                found.push_back(process);
                parents.push_back(process.pid);
            }
        }
    }
    return found;
}

// By a pidfd.
bool holds(pid_t holder, pid_t process) {
    const std::string told = "\nPid:\t" + std::to_string(process) + "\n";
    std::error_code error;
    const fs::directory_iterator descriptors("/proc/" + std::to_string(holder) + "/fdinfo", error);
    return std::any_of(begin(descriptors), end(descriptors), [&](const fs::directory_entry& descriptor) {
        return read_text(descriptor.path()).find(told) != std::string::npos;
    });
}

Family family_of(pid_t host) {
    std::vector<ProcessStatus> living = descendants_of(host);
    std::erase_if(living, [](const ProcessStatus& process) { return process.state == 'Z'; });
    // By its parent too: right after a fork a process is still called like the one that forked it.
    const auto child_of = [&living](pid_t parent, std::string_view name) {
        const auto found = std::find_if(living.begin(), living.end(), [&](const ProcessStatus& process) {
            return process.parent == parent && process.name == name;
        });
        return found == living.end() ? 0 : found->pid;
    };
    Family family;
    family.guard = child_of(host, "bulkhead-guard");
    family.fork_server = family.guard == 0 ? 0 : child_of(family.guard, "bulkhead-forks");
    const pid_t blank = family.fork_server == 0 ? 0 : child_of(family.fork_server, "bulkhead-blank");
    family.blank = blank != 0 && holds(host, blank) ? blank : 0;
    for (const ProcessStatus& process : living) {
        if (!process.name.starts_with("bulkhead-")) {
            family.others.push_back(process.pid);
        }
    }
    return family;
}

Family await_family_of(pid_t host) {
    Family family;
    eventually([&] {
        family = family_of(host);
        return family.guard != 0 && family.fork_server != 0 && family.blank != 0;
    });
    return family;
}

unsigned long long turns_of(const std::vector<pid_t>& processes) {
    unsigned long long sum = 0;
    for (const pid_t process : processes) {
        const fs::path tasks = "/proc/" + std::to_string(process) + "/task";
        for (const pid_t task : numbers_in(tasks)) {
            sum += switches_in(read_text(tasks / std::to_string(task) / "status"));
        }
    }
    return sum;
}

}  // namespace bulkhead::tests
