#include "state_claim.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

namespace bulkhead::detail {

using transport::Descriptor;

namespace {

// The files that a process has claimed.
struct Claims {
    pid_t process = ::getpid();
    std::mutex mutex;
    std::set<std::pair<dev_t, ino_t>> files;
};

// Of this process. Never destroyed: hosts may be static objects. What a child inherits is its parent's, and its mutex
// may be held there for ever.
Claims& claims() {
    static std::atomic<Claims*> current(new Claims);
    Claims* all = current.load(std::memory_order_acquire);
    if (all->process != ::getpid()) {
        auto fresh = std::make_unique<Claims>();
        if (current.compare_exchange_strong(all, fresh.get(), std::memory_order_acq_rel)) {
            all = fresh.release();
        }
    }
    return *all;
}

std::string who_has(int file) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    const bool known = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
    return "in use by " + (known ? "process " + std::to_string(lock.l_pid) : "another process");
}

// Nothing can be written there now, whoever tries.
bool is_no_place_for_files(int error, bool lock_exists) {
    return error == ENOENT || error == ENOTDIR || error == EROFS || error == ENOSPC || error == EDQUOT ||
           (error == EACCES && !lock_exists);
}

std::string cannot_be_locked(const std::string& why) { return "not to be used: its lock beside it " + why; }

}  // namespace

std::optional<std::string> StateClaim::claim(const std::filesystem::path& state_file) {
    release();
    std::filesystem::path path = state_file;
    path += ".bulkhead-lock";
    Claims& ours = claims();
    const std::lock_guard guard(ours.mutex);
    struct stat status {};
    const bool exists = ::lstat(path.c_str(), &status) == 0;
    if (exists && !S_ISREG(status.st_mode)) {
        return cannot_be_locked("is not a plain file");
    }
    // Before it is opened: to close it again would end the claim that this process has.
    if (exists && ours.files.contains({status.st_dev, status.st_ino})) {
        return "in use by another plugin of this process";
    }
    Descriptor file(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file || ::fstat(file.get(), &status) != 0) {
        const int error = errno;
        return is_no_place_for_files(error, exists)
                   ? std::nullopt
                   : std::optional(cannot_be_locked("cannot be opened: " + std::generic_category().message(error)));
    }
    struct flock lock {};
    lock.l_type = F_WRLCK;
    if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
        const bool taken = errno == EACCES || errno == EAGAIN;
        return taken ? std::optional(who_has(file.get())) : std::nullopt;
    }
    owner_ = ours.process;
    device_ = status.st_dev;
    inode_ = status.st_ino;
    ours.files.insert({device_, inode_});
    file_ = std::move(file);
    return std::nullopt;
}

void StateClaim::release() noexcept {
    if (!file_ || owner_ != ::getpid()) {
        return;
    }
    Claims& ours = claims();
    const std::lock_guard guard(ours.mutex);
    ours.files.erase({device_, inode_});
    file_.reset();
}

}  // namespace bulkhead::detail
