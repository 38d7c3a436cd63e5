#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "surroundings.hpp"

namespace bulkhead::demo {
namespace {

namespace fs = std::filesystem;

std::set<std::string> open_descriptors() {
    std::set<std::string> descriptors;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
        const fs::path target = fs::read_symlink(entry.path(), error);
        // The one that reads this folder is gone when we look.
        if (!error && !target.string().ends_with("/fd")) {
            descriptors.insert(entry.path().filename().string() + " -> " + target.string());
        }
    }
    return descriptors;
}

std::set<std::string> named_memory_of_this_user() {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/dev/shm", error)) {
        struct stat status {};
        if (::stat(entry.path().c_str(), &status) == 0 && status.st_uid == ::geteuid()) {
            names.insert(entry.path().string());
        }
    }
    return names;
}

std::size_t mapped_memory_files() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);) {
        count += line.find("/memfd:") != std::string::npos ? 1 : 0;
    }
    return count;
}

std::size_t thread_count() {
    const fs::directory_iterator threads("/proc/self/task");
    return static_cast<std::size_t>(std::distance(fs::begin(threads), fs::end(threads)));
}

void list_added(const char* kind, const std::set<std::string>& now, const std::set<std::string>& before,
                std::vector<std::string>& lines) {
    std::vector<std::string> added;
    std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::back_inserter(added));
    for (const std::string& name : added) {
        lines.push_back(kind + name);
    }
}

void list_more(const char* kind, std::size_t now, std::size_t before, std::vector<std::string>& lines) {
    if (now > before) {
        lines.push_back(kind + std::to_string(now) + " instead of " + std::to_string(before));
    }
}

}  // namespace

Surroundings Surroundings::look() {
    Surroundings now;
    now.processes = tests::descendants_of(::getpid());
    now.descriptors = open_descriptors();
    now.threads = thread_count();
    now.named_memory = named_memory_of_this_user();
    now.mapped_memory = mapped_memory_files();
    return now;
}

bool Surroundings::adds_nothing_to(const Surroundings& before) const { return added_to(before).empty(); }

std::vector<std::string> Surroundings::added_to(const Surroundings& before) const {
    std::vector<std::string> lines;
    for (const tests::ProcessStatus& process : processes) {
        const bool known = std::any_of(before.processes.begin(), before.processes.end(),
                                       [&](const tests::ProcessStatus& other) { return other.pid == process.pid; });
        if (!known) {
            lines.push_back("process " + std::to_string(process.pid) + " " + process.name);
        }
    }
    list_added("descriptor ", descriptors, before.descriptors, lines);
    list_more("threads: ", threads, before.threads, lines);
    list_added("shared memory ", named_memory, before.named_memory, lines);
    list_more("mapped memory files: ", mapped_memory, before.mapped_memory, lines);
    return lines;
}

}  // namespace bulkhead::demo
