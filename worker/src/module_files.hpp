// The files that a dead worker's libraries may have come from.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/transport/descriptor.hpp"
#include "stack_copy.hpp"
#include "unwinder.hpp"

namespace bulkhead::worker {

// The last part of a path.
constexpr std::string_view file_name(std::string_view path) { return path.substr(path.find_last_of('/') + 1); }

// Maps files and does not look into them: that is for after the process was confined. Kept until the process ends.
class ModuleFiles {
  public:
    // The plugin's own libraries.
    void add_sealed(std::span<const transport::Descriptor> libraries);
    // The program and what is loaded into this process, which was forked from the same one as the worker.
    void add_own();
    // What the worker had from the system beside that, by name, from the folders that the loader searches. Names are
    // hostile: no other folder is looked into, and only a regular file is opened.
    void add_system(const StackCopy& stack);

    std::span<const FileBytes> all() const noexcept { return files_; }

  private:
    bool add(const char* path);
    void map(int file);

    std::vector<FileBytes> files_;
    std::set<std::string, std::less<>> names_;
};

}  // namespace bulkhead::worker
