#include <filesystem>
#include <fstream>
#include <string>

#include "process_size.hpp"

namespace bulkhead::cli {

std::optional<ProcessSize> size_of_process(std::int64_t pid) {
    const std::filesystem::path folder = "/proc/" + std::to_string(pid);
    ProcessSize size;
    std::ifstream status(folder / "status");
    std::string key;
    while (status >> key) {
        if (key == "RssAnon:") {
            status >> size.memory;
            size.memory *= 1024;
        } else if (key == "Threads:") {
            status >> size.threads;
        }
    }
    std::error_code error;
    auto entry = std::filesystem::directory_iterator(folder / "fd", error);
    while (!error && entry != std::filesystem::directory_iterator()) {
        ++size.descriptors;
        entry.increment(error);
    }
    if (error || size.threads == 0) {
        return std::nullopt;
    }
    return size;
}

}  // namespace bulkhead::cli
