// A place for a test's files.
#pragma once

#include <filesystem>

namespace bulkhead::tests {

// An empty folder with a name of its own. Gone with this object, whatever it holds then.
class ScratchFolder {
  public:
    ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder();

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace bulkhead::tests
