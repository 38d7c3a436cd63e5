// A server whose guards are each stopped by somebody just before they have become one.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "programs/server.hpp"
#include "support/processes.hpp"

using namespace bulkhead::programs;

// In the place of the C library's.
extern "C" __attribute__((visibility("default"))) int execve(const char* path, char* const* arguments,
                                                             char* const* environment) noexcept {
    ::raise(SIGSTOP);
    return static_cast<int>(::syscall(SYS_execve, path, arguments, environment));
}

int main() {
    auto host = make_host();
    const auto plugin = load(host, "faulty", kTireless);
    expect_echo(plugin, "under the first guard");
    ::kill(bulkhead::tests::await_family_of(::getpid()).guard, SIGKILL);
    expect_echo_soon(plugin, "under the next guard");
    say("done");
}
