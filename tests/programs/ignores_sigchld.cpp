// A server that ignores SIGCHLD: its children vanish without a status.
#include <signal.h>
#include <unistd.h>

#include "programs/server.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

int main() {
    ::signal(SIGCHLD, SIG_IGN);
    const auto before = bulkhead::tests::Snapshot::take();
    {
        auto host = make_host();
        const auto plugin = load(host, "faulty", kTireless);
        serve_through_deaths(plugin);
    }
    expect(before.leftovers().empty(), before.leftovers());
    struct sigaction action {};
    ::sigaction(SIGCHLD, nullptr, &action);
    expect(action.sa_handler == SIG_IGN, "SIGCHLD is not ignored any more");
    say("done");
}
