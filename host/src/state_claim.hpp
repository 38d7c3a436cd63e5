// Who may write a state file.
#pragma once

#include <sys/types.h>

#include <bulkhead/transport/descriptor.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace bulkhead::detail {

// Two programs that write one state file would each undo what the other one acknowledged; so does one program that
// loads two plugins with the same file. A claim is a record lock on "<name>.lock" beside it: it ends with its process,
// however that ends, and a child that the process forks does not have it. Within a process, which such locks do not
// tell apart, a list of all claims decides. One thread at a time per object.
class StateClaim {
  public:
    StateClaim() = default;
    StateClaim(const StateClaim&) = delete;
    StateClaim& operator=(const StateClaim&) = delete;
    ~StateClaim() { release(); }

    // Who has the file, in the end of a sentence. Nothing: it is claimed; or no lock can be had there, as in a folder
    // that does not exist or cannot be written, which is no reason to refuse it: the state file says so itself.
    std::optional<std::string> claim(const std::filesystem::path& state_file);
    void release() noexcept;

  private:
    std::filesystem::path path_;
    transport::Descriptor file_;
    pid_t owner_ = 0;  // a child that it forks has not claimed anything
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace bulkhead::detail
