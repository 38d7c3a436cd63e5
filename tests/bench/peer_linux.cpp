#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "cores.hpp"
#include "peer.hpp"

namespace bulkhead::bench {
namespace {

std::runtime_error failure(const char* what) { return std::runtime_error(what + std::string(std::strerror(errno))); }

}  // namespace

SharedMemory::SharedMemory(std::size_t size) : size_(size), data_(nullptr) {
    void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (data == MAP_FAILED) {
        throw failure("no shared memory: ");
    }
    data_ = static_cast<std::byte*>(data);
}

SharedMemory::~SharedMemory() { ::munmap(data_, size_); }

Peer::Peer(int core, const std::function<void()>& run) {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) {
        throw failure("no process for the reference: ");
    }
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() == parent) {
            run();
        }
        ::_exit(0);
    }
    // Not by itself: it may have to wait for this very core until it could.
    pin(pid_, core);
}

Peer::~Peer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

}  // namespace bulkhead::bench
