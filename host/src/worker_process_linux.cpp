#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "worker_process.hpp"

namespace bulkhead::detail {

void WorkerProcess::kill() noexcept {
    if (pidfd && !dead) {
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
}

bool WorkerProcess::read_slab(std::uint64_t offset, std::span<std::byte> target) const noexcept {
    auto position = static_cast<off_t>(view.slab_position(offset));
    while (!target.empty()) {
        const ssize_t count = ::pread(outbox_segment.get(), target.data(), target.size(), position);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        target = target.subspan(static_cast<std::size_t>(count));
        position += count;
    }
    return true;
}

void WorkerProcess::end(Cause why, std::string explanation) {
    if (!cause && !dead) {
        cause = why;
        detail = std::move(explanation);
    }
    kill();
}

}  // namespace bulkhead::detail
