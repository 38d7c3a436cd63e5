#include <filesystem>
#include <stdexcept>
#include <string>

#include "cores.hpp"

namespace bulkhead::bench {

Cores::Cores() {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (::sched_getaffinity(0, sizeof usable, &usable) != 0) {
        throw std::runtime_error("the kernel does not say which cores may be used");
    }
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &usable)) {
            numbers_.push_back(core);
        }
    }
}

bool pin(pid_t thread, int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return ::sched_setaffinity(thread, sizeof set, &set) == 0;
}

void pin_process(pid_t process, int core) {
    std::error_code error;
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(process) + "/task", error);
    for (const auto& thread : threads) {
        pin(std::stoi(thread.path().filename()), core);
    }
}

PinnedThread::PinnedThread(int core) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    if (!pin(0, core)) {
        throw std::runtime_error("this thread cannot be tied to core " + std::to_string(core));
    }
}

PinnedThread::~PinnedThread() { ::sched_setaffinity(0, sizeof before_, &before_); }

}  // namespace bulkhead::bench
