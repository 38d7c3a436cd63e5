// A folder for files that only this user may read.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace bulkhead::detail {

// Written to by several processes at once: a file appears whole or not at all. Holds nothing open. Any thread.
class PrivateFolder {
  public:
    // Absolute; made by the first write if it is not there.
    explicit PrivateFolder(std::filesystem::path path) : path_(std::move(path)) {}
    const std::filesystem::path& path() const noexcept { return path_; }

    // The parts one after the other, as `unfinished` until all are there. What was called `name` is replaced. On an
    // error nothing of it is left. A limit on the size of files is an error too, and no signal.
    std::error_code write(const std::string& name, const std::string& unfinished,
                          const std::vector<std::span<const std::byte>>& parts) const;
    // It is there, and another user's, or others may write to it.
    bool is_open_to_others() const noexcept;
    void remove(const std::string& name) const noexcept;

  private:
    std::filesystem::path path_;
};

}  // namespace bulkhead::detail
