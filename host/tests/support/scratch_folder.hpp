// A place for the files of one test.
#pragma once

#include <filesystem>
#include <string_view>

namespace bulkhead::testing {

// An empty folder of its own, removed with everything in it. One thread.
class ScratchFolder {
  public:
    ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder();

    const std::filesystem::path& path() const noexcept { return path_; }
    // Writes a file and returns its path.
    std::filesystem::path write(const std::filesystem::path& name, std::string_view content) const;
    // The same, and everybody may run it.
    std::filesystem::path write_program(const std::filesystem::path& name) const;

  private:
    std::filesystem::path path_;
};

}  // namespace bulkhead::testing
