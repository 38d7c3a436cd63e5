#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "worker_process.hpp"

namespace bulkhead::detail {

// As this process's namespace counts; the fork server's answer counts in its own.
std::int64_t WorkerProcess::pid() const noexcept {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd.get());
    const transport::Descriptor about(::open(path, O_RDONLY | O_CLOEXEC));
    char text[512];
    const ssize_t size = about ? ::read(about.get(), text, sizeof text - 1) : -1;
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    const char* line = std::strstr(text, "\nPid:");
    const long number = line == nullptr ? 0 : std::strtol(line + std::strlen("\nPid:"), nullptr, 10);
    return number > 0 ? number : 0;
}

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
