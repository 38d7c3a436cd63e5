#include "support/snapshot.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/adoption.hpp"
#include "support/processes.hpp"
#include "support/until.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

std::map<int, std::string> open_descriptors() {
    std::map<int, std::string> open;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", error)) {
        const std::string target = fs::read_symlink(entry.path(), error).string();
        // The iterator's own, which is closed when we are done.
        if (!error && target.find("/fd") == std::string::npos) {
            open[std::stoi(entry.path().filename())] = target;
        }
    }
    return open;
}

// Other programs have names there too, and make them when they like.
std::set<std::string> names_in_shared_memory() {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/dev/shm", error)) {
        if (entry.path().filename().string().starts_with("bulkhead")) {
            names.insert(entry.path());
        }
    }
    std::ifstream file("/proc/self/maps");
    for (std::string line; std::getline(file, line);) {
        const std::size_t at = line.find("/dev/shm/");
        if (at != std::string::npos) {
            names.insert(line.substr(at));
        }
    }
    return names;
}

std::size_t mapped_segments() {
    std::ifstream file("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);) {
        count += line.find("/memfd:bulkhead-") != std::string::npos ? 1 : 0;
    }
    return count;
}

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// "pipe:[]" for "pipe:[4711]".
std::string kind_of(const std::string& target) {
    std::string kind = target;
    std::erase_if(kind, [](char c) { return c >= '0' && c <= '9'; });
    return kind;
}

std::string difference(const Snapshot& before, const Snapshot& now) {
    std::string text;
    // By kind: a worker that was replaced meanwhile has others of the same kinds under other numbers.
    std::map<std::string, std::ptrdiff_t> surplus;
    for (const auto& [number, target] : now.descriptors) {
        ++surplus[kind_of(target)];
    }
    for (const auto& [number, target] : before.descriptors) {
        --surplus[kind_of(target)];
    }
    for (const auto& [kind, count] : surplus) {
        if (count > 0) {
            text += std::to_string(count) + " descriptors of " + kind + "\n";
        }
    }
    if (now.threads > before.threads) {
        text += std::to_string(now.threads - before.threads) + " threads\n";
    }
    if (now.children > before.children) {
        for (const ProcessStatus& child : children_of(::getpid())) {
            text += "child " + std::to_string(child.pid) + " " + child.name + " " + child.state + "\n";
        }
    }
    if (now.orphans > before.orphans) {
        for (const ProcessStatus& orphan : orphans()) {
            text += "orphan " + std::to_string(orphan.pid) + " " + orphan.name + " " + orphan.state + "\n";
        }
    }
    if (now.segments > before.segments) {
        text += std::to_string(now.segments - before.segments) + " mapped segments\n";
    }
    for (const std::string& name : now.shared_memory) {
        if (!before.shared_memory.contains(name)) {
            text += name + "\n";
        }
    }
    return text;
}

}  // namespace

Snapshot Snapshot::take() {
    // ThreadSanitizer starts a thread of its own beside a program's first one.
    std::thread([] {}).join();
    Snapshot snapshot;
    snapshot.descriptors = open_descriptors();
    std::error_code error;
    const fs::directory_iterator tasks("/proc/self/task", error);
    snapshot.threads = static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
    snapshot.children = children_of(::getpid()).size();
    snapshot.orphans = bulkhead::tests::orphans().size();
    snapshot.shared_memory = names_in_shared_memory();
    snapshot.segments = mapped_segments();
    snapshot.resident = resident_bytes();
    return snapshot;
}

std::string Snapshot::leftovers() const {
    constexpr std::chrono::seconds kOnItsWayOut{2};
    std::string text;
    eventually(
        [&] {
            text = difference(*this, take());
            return text.empty();
        },
        kOnItsWayOut);
    return text;
}

std::size_t Snapshot::growth() const { return std::max(resident_bytes(), resident) - resident; }

}  // namespace bulkhead::tests
