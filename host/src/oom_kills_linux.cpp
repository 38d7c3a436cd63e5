#include "oom_kills.hpp"

#include <fstream>
#include <string>
#include <utility>

namespace bulkhead::detail {
namespace {

// 0 where there is no such file or line.
std::uint64_t read_count(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::string name;
    std::uint64_t count = 0;
    while (stream >> name >> count) {
        if (name == "oom_kill") {
            return count;
        }
    }
    return 0;
}

std::vector<std::filesystem::path> files_of_this_system() {
    std::vector<std::filesystem::path> files{"/proc/vmstat"};
    std::ifstream groups("/proc/self/cgroup");
    std::string line;
    while (std::getline(groups, line)) {
        if (line.starts_with("0::/")) {  // the one of cgroup v2
            files.push_back("/sys/fs/cgroup" + line.substr(3) + "/memory.events");
        }
    }
    return files;
}

}  // namespace

OomKills::OomKills() : OomKills(files_of_this_system()) {}

OomKills::OomKills(std::vector<std::filesystem::path> files) {
    for (std::filesystem::path& file : files) {
        const std::uint64_t count = read_count(file);
        counters_.push_back({std::move(file), count});
    }
}

bool OomKills::any_since_asked() {
    bool any = false;
    for (Counter& counter : counters_) {
        const std::uint64_t now = read_count(counter.file);
        any = any || now > counter.last;
        counter.last = now;
    }
    return any;
}

}  // namespace bulkhead::detail
