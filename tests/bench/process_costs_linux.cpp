#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "process_costs.hpp"

namespace bulkhead::bench {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> numbers_in(const fs::path& folder) {
    std::vector<std::string> numbers;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            numbers.push_back(std::move(name));
        }
    }
    return numbers;
}

fs::path folder_of(pid_t process) { return fs::path("/proc") / std::to_string(process); }

// 0: it is gone.
pid_t parent_of(const std::string& process) {
    std::ifstream stream("/proc/" + process + "/stat");
    std::string text;
    std::getline(stream, text);
    const std::size_t name_end = text.rfind(')');  // "12 (name) S 1 ..."
    return name_end == std::string::npos ? 0 : std::stoi(text.substr(name_end + 4));
}

}  // namespace

std::vector<pid_t> whole_family() {
    std::multimap<pid_t, pid_t> children;
    for (const std::string& process : numbers_in("/proc")) {
        children.emplace(parent_of(process), std::stoi(process));
    }
    std::vector<pid_t> family{::getpid()};
    for (std::size_t member = 0; member < family.size(); ++member) {
        const auto [begin, end] = children.equal_range(family[member]);
        for (auto child = begin; child != end; ++child) {
            family.push_back(child->second);
        }
    }
    return family;
}

std::uint64_t memory_kib(const std::vector<pid_t>& processes) {
    std::uint64_t sum = 0;
    for (const pid_t process : processes) {
        std::ifstream stream(folder_of(process) / "smaps_rollup");
        for (std::string line; std::getline(stream, line);) {
            if (line.starts_with("Pss:")) {
                sum += std::stoull(line.substr(4));
            }
        }
    }
    return sum;
}

std::chrono::nanoseconds cpu_time(const std::vector<pid_t>& processes) {
    const std::string self = std::to_string(::gettid());
    std::chrono::nanoseconds sum{0};
    for (const pid_t process : processes) {
        const fs::path threads = folder_of(process) / "task";
        for (const std::string& thread : numbers_in(threads)) {
            std::ifstream stream(threads / thread / "schedstat");
            std::int64_t ran = 0;
            if (thread != self && stream >> ran) {
                sum += std::chrono::nanoseconds(ran);
            }
        }
    }
    return sum;
}

std::size_t open_descriptors() { return numbers_in("/proc/self/fd").size(); }

}  // namespace bulkhead::bench
