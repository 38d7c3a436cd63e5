// Where gdb finds the libraries of a worker.
#pragma once

#include <filesystem>

namespace bulkhead::cli {

// A folder that looks like / to gdb (`set sysroot`), but for /proc: a worker loads its plugin from a descriptor, as
// /proc/self/fd/8, and that path names something of gdb's own, such as a pipe that it would wait for. Here it leads to
// the plugin's library. Gone with this object.
class SymbolRoot {
  public:
    // An empty `library`: the plugin has no symbols. Throws Failure when the folder cannot be made.
    explicit SymbolRoot(const std::filesystem::path& library);
    SymbolRoot(const SymbolRoot&) = delete;
    SymbolRoot& operator=(const SymbolRoot&) = delete;
    ~SymbolRoot();

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace bulkhead::cli
