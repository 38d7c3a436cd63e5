#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "worker_process.hpp"

namespace bulkhead::detail {

void WorkerProcess::kill() noexcept {
    if (pidfd && !dead) {
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    }
}

void WorkerProcess::end(Cause why, std::string explanation) {
    if (!cause && !dead) {
        cause = why;
        detail = std::move(explanation);
    }
    kill();
}

}  // namespace bulkhead::detail
