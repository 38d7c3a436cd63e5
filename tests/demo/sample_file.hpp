// Real input.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace bulkhead::demo {

// A file in memory. Immutable.
class SampleFile {
  public:
    // Throws std::runtime_error, with a sentence, when it cannot be read.
    explicit SampleFile(std::filesystem::path path);

    const std::filesystem::path& path() const noexcept { return path_; }
    std::span<const std::byte> bytes() const noexcept { return bytes_; }

  private:
    std::filesystem::path path_;
    std::vector<std::byte> bytes_;
};

// A file of many megabytes that is there wherever the demo was built: the compiler proper, or the demo itself,
// whichever is larger.
std::filesystem::path find_large_file();

}  // namespace bulkhead::demo
