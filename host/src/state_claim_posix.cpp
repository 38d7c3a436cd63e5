#include "state_claim.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <set>
#include <utility>

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

struct Claims {
    std::mutex mutex;
    std::set<std::pair<dev_t, ino_t>> files;
};

// Of this process. Never destroyed: hosts may be static objects.
Claims& claims() {
    static auto* const all = new Claims;
    return *all;
}

std::string who_has(int file) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const bool known = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
    return known ? "process " + std::to_string(lock.l_pid) : "another process";
}

}  // namespace

std::optional<std::string> StateClaim::claim(const std::filesystem::path& state_file) {
    constexpr int kTries = 100;  // against others that release theirs at that moment
    release();
    path_ = state_file;
    path_ += ".lock";
    Claims& ours = claims();
    const std::lock_guard guard(ours.mutex);
    for (int attempt = 0; attempt < kTries; ++attempt) {
        struct stat named {};
        // Before it is opened: to close it again would end the claim that this process has.
        if (::lstat(path_.c_str(), &named) == 0 && ours.files.contains({named.st_dev, named.st_ino})) {
            return "another plugin of this process";
        }
        Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                               S_IRUSR | S_IWUSR));
        if (!file) {
            return std::nullopt;
        }
        struct flock lock {};
        lock.l_type = F_WRLCK;
        if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
            const bool taken = errno == EACCES || errno == EAGAIN;
            return taken ? std::optional(who_has(file.get())) : std::nullopt;
        }
        struct stat opened {};
        if (::fstat(file.get(), &opened) == 0 && opened.st_nlink > 0) {
            owner_ = ::getpid();
            device_ = opened.st_dev;
            inode_ = opened.st_ino;
            ours.files.insert({device_, inode_});
            file_ = std::move(file);
            return std::nullopt;
        }
        // Its owner removed it between our two steps.
    }
    return "another process";
}

void StateClaim::release() noexcept {
    if (!file_ || owner_ != ::getpid()) {
        return;
    }
    Claims& ours = claims();
    const std::lock_guard guard(ours.mutex);
    (void)::unlink(path_.c_str());  // while it is ours: whoever waits for it sees that it is gone
    ours.files.erase({device_, inode_});
    file_.reset();
}

}  // namespace bulkhead::detail
