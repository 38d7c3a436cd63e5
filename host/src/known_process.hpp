// A process that can be held without a descriptor.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <cstdint>
#include <system_error>

namespace bulkhead::detail {

// Remembers which process a pidfd was of: its number, and when it began, which together no other process ever has. A
// pidfd is made again when one is needed. One thread at a time.
class KnownProcess {
  public:
    KnownProcess() = default;
    KnownProcess(std::int64_t pid, transport::Descriptor pidfd);

    // From now on the process is known without the pidfd, unless /proc does not tell about it. Reads three files.
    void let_go();

    explicit operator bool() const noexcept { return pid_ != 0 || held_; }
    // As this process's namespace counts. 0: not known.
    std::int64_t pid() const noexcept { return pid_; }
    // A pidfd of it, never of another that has its number now. Empty: `error` is no_such_process when it is gone and
    // reaped, or says why there is no descriptor.
    transport::Descriptor open(std::error_code& error) const noexcept;
    // Nothing when it is gone.
    void signal(int number) const noexcept;

  private:
    std::int64_t pid_ = 0;
    std::uint64_t began_ = 0;  // in the kernel's ticks since the machine started
    transport::Descriptor held_;
};

}  // namespace bulkhead::detail
