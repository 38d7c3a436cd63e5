// A server whose forked child once waits for ever, before it can become a guard: as it does when another thread held a
// lock that the child needs.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "programs/server.hpp"
#include "support/processes.hpp"
#include "support/until.hpp"

using namespace bulkhead::programs;

namespace {

std::atomic<bool> next_hangs{false};
bool hangs = false;

void before_fork() { hangs = next_hangs.exchange(false); }

void in_child() {
    while (hangs) {
        ::pause();
    }
}

}  // namespace

int main() {
    expect(::pthread_atfork(before_fork, nullptr, in_child) == 0, "no handler can be registered");
    auto host = make_host();
    const auto plugin = load(host, "faulty", kTireless);
    expect_echo(plugin, "under the first guard");
    next_hangs = true;
    ::kill(bulkhead::tests::await_family_of(::getpid()).guard, SIGKILL);
    expect(bulkhead::tests::eventually([] { return !next_hangs; }), "no child is forked");
    expect_echo_soon(plugin, "under the next guard");
    say("done");
}
