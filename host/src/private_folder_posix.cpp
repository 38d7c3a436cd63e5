#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bulkhead/transport/descriptor.hpp>
#include <cerrno>
#include <cstdio>

#include "private_folder.hpp"
#include "signal_block.hpp"

namespace bulkhead::detail {
namespace {

namespace fs = std::filesystem;
using transport::Descriptor;

std::error_code last_error() { return {errno, std::generic_category()}; }

// The kernel sends SIGXFSZ with the error when a limit on the size of files is hit; its default ends the process.
class FileSizeSignalBlock {
  public:
    FileSizeSignalBlock() noexcept : pending_before_(pending()) {}
    ~FileSizeSignalBlock() {
        if (!pending_before_ && pending()) {
            const sigset_t signal = file_size_signal();
            const timespec at_once{};
            ::sigtimedwait(&signal, nullptr, &at_once);
        }
    }
    FileSizeSignalBlock(const FileSizeSignalBlock&) = delete;
    FileSizeSignalBlock& operator=(const FileSizeSignalBlock&) = delete;

  private:
    static sigset_t file_size_signal() noexcept {
        sigset_t signal;
        ::sigemptyset(&signal);
        ::sigaddset(&signal, SIGXFSZ);
        return signal;
    }
    static bool pending() noexcept {
        sigset_t signals;
        ::sigpending(&signals);
        return ::sigismember(&signals, SIGXFSZ) == 1;
    }

    const SignalBlock block_;
    const bool pending_before_;
};

std::error_code write_all(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return last_error();
        }
        if (count > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
    }
    return {};
}

// Whatever had this name is gone: a new file, never one that somebody else put there.
std::error_code write_new(const fs::path& file, const std::vector<std::span<const std::byte>>& parts) {
    const FileSizeSignalBlock block;
    ::unlink(file.c_str());
    Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!descriptor) {
        return last_error();
    }
    for (const std::span<const std::byte> part : parts) {
        if (const auto error = write_all(descriptor.get(), part)) {
            return error;
        }
    }
    // Some file systems find out only now that there is no room.
    return ::close(descriptor.release()) == 0 ? std::error_code() : last_error();
}

// With its parents, for this user only.
std::error_code make_folder(const fs::path& folder) {
    if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) {
        return {};
    }
    if (errno != ENOENT || !folder.has_relative_path()) {
        return last_error();
    }
    const auto error = make_folder(folder.parent_path());
    if (error) {
        return error;
    }
    return ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST ? std::error_code() : last_error();
}

}  // namespace

std::error_code PrivateFolder::write(const std::string& name, const std::string& unfinished,
                                     const std::vector<std::span<const std::byte>>& parts) const {
    if (auto error = make_folder(path_)) {
        return error;
    }
    const fs::path draft = path_ / unfinished;
    std::error_code error = write_new(draft, parts);
    if (!error && ::rename(draft.c_str(), (path_ / name).c_str()) != 0) {
        error = last_error();
    }
    if (error) {
        ::unlink(draft.c_str());
    }
    return error;
}

bool PrivateFolder::is_open_to_others() const noexcept {
    struct stat facts {};
    return ::stat(path_.c_str(), &facts) == 0 &&
           (facts.st_uid != ::geteuid() || (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0);
}

void PrivateFolder::remove(const std::string& name) const noexcept { ::unlink((path_ / name).c_str()); }

}  // namespace bulkhead::detail
