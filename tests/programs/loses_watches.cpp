// A server in which the kernel has no room for what the host wants to wait for, just when it has a new guard: for the
// control socket, for the guard's end, or for both. Each time all goes on when there is room again.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "programs/server.hpp"
#include "support/processes.hpp"
#include "support/until.hpp"

using namespace bulkhead::programs;

namespace {

// Which of the next additions to an epoll fail, of those that tell of a guard: the lowest bit is the first one's.
std::atomic<unsigned> failing{0};

// A control socket or a pidfd.
bool tells_of_guard(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0) {
        return type == SOCK_SEQPACKET;
    }
    std::error_code ignored;
    const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), ignored);
    return link.string().find("pidfd") != std::string::npos;
}

bool fails_now() {
    unsigned now = failing.load();
    while (!failing.compare_exchange_weak(now, now >> 1)) {
    }
    return (now & 1) != 0;
}

void kill_guard() { ::kill(bulkhead::tests::await_family_of(::getpid()).guard, SIGKILL); }

}  // namespace

// In the place of the C library's.
extern "C" __attribute__((visibility("default"))) int epoll_ctl(int epoll, int operation, int descriptor,
                                                                epoll_event* event) {
    if (operation == EPOLL_CTL_ADD && tells_of_guard(descriptor) && fails_now()) {
        errno = ENOSPC;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_epoll_ctl, epoll, operation, descriptor, event));
}

int main() {
    auto host = make_host();
    const auto plugin = load(host, "faulty", kTireless);
    expect_echo(plugin, "before");
    for (const unsigned which : {0b01U, 0b10U, 0b11U}) {
        // A worker that starts meanwhile would use up a failure that is not meant for it.
        expect(plugin.stop().has_value(), "it cannot be stopped");
        const pid_t former = bulkhead::tests::await_family_of(::getpid()).guard;
        failing = which;
        kill_guard();
        expect(bulkhead::tests::eventually([former] {
                   const pid_t guard = bulkhead::tests::family_of(::getpid()).guard;
                   return failing == 0 && guard != 0 && guard != former;
               }),
               "no new guard comes");
        expect(plugin.start().has_value(), "it cannot be started under a new guard");
        expect_echo(plugin, "under a new guard");
        kill_guard();  // does anybody notice?
        expect_echo_soon(plugin, "under the next guard");
    }
    say("done");
}
