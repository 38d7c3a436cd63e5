// Who may write a state file.
#pragma once

#include <sys/types.h>

#include <bulkhead/transport/descriptor.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace bulkhead::detail {

// Two programs that write one state file would each undo what the other one acknowledged; so does one program that
// loads two plugins with the same file. A claim is a record lock on "<name>.bulkhead-lock" beside it, an empty file
// that stays. It ends with its process, however that ends, and a child that the process forks does not have it. Within
// a process, which such locks do not tell apart, a list of all claims decides. The lock is lost when something else in
// the process opens and closes that file, as a backup of its folder may: then others are not refused. One thread at a
// time per object; a process's claims wait for each other, and for the file system.
class StateClaim {
  public:
    StateClaim() = default;
    StateClaim(const StateClaim&) = delete;
    StateClaim& operator=(const StateClaim&) = delete;
    ~StateClaim() { release(); }

    // Why it must not be used, as the end of a sentence on the state file. Nothing: it is claimed; or there is no lock
    // where there can be no new state file either, or where the file system has none.
    std::optional<std::string> claim(const std::filesystem::path& state_file);
    void release() noexcept;

  private:
    transport::Descriptor file_;
    pid_t owner_ = 0;  // a child that it forks has not claimed anything
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace bulkhead::detail
