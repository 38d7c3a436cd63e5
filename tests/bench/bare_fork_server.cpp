// bare-fork-server LIBRARY: the reference of the recovery benchmark. One thread that forks a process for each byte it
// receives; the process gives up its privileges, loads the library and says that it is ready. No isolation to speak
// of, no channel, nobody who watches: less cannot be done to have a plugin back.
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "bare_worker_messages.hpp"

namespace {

using namespace bulkhead::bench;

void confine() {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const rlimit files{256, 256};
    ::setrlimit(RLIMIT_NOFILE, &files);
}

[[noreturn]] void work(const char* library, pid_t server) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != server) {
        ::_exit(1);
    }
    confine();
    void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr || ::dlsym(handle, "bulkhead_plugin") == nullptr) {
        ::_exit(1);
    }
    void* clock = ::mmap(nullptr, sizeof(long long), PROT_READ | PROT_WRITE, MAP_SHARED, kFaultClockDescriptor, 0);
    if (clock == MAP_FAILED) {
        ::_exit(1);
    }
    const pid_t self = ::getpid();
    ::send(kWorkerDescriptor, &self, sizeof self, MSG_NOSIGNAL);
    char order = 0;
    if (::recv(kWorkerDescriptor, &order, sizeof order, 0) == 1) {
        volatile int* volatile nowhere = nullptr;
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        *static_cast<volatile long long*>(clock) = now.tv_sec * 1'000'000'000LL + now.tv_nsec;
        *nowhere = 1;
    }
    ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        return 2;
    }
    const pid_t server = ::getpid();
    char order = 0;
    while (::recv(kOrdersDescriptor, &order, sizeof order, 0) == 1) {
        if (::fork() == 0) {
            work(argv[1], server);
        }
        // After the fork, so that nobody waits for it.
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }
    return 0;
}
