// A server that blocks all signals in all its threads, to take them with sigwait.
#include <signal.h>

#include "programs/server.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

int main() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t mask_before;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_before);
    const auto before = bulkhead::tests::Snapshot::take();
    {
        auto host = make_host();
        const auto plugin = load(host, "faulty", kTireless);
        const auto aborted = plugin.call("abort", "");
        expect(aborted.has_error(), "abort() succeeded");
        expect(aborted.error().report != nullptr, aborted.error().message);
        expect(aborted.error().report->signal == SIGABRT, aborted.error().message);
        // A plugin starts with signals as every program does.
        const auto ended = plugin.call("raise", std::to_string(SIGTERM));
        expect(ended.has_error() && ended.error().report->signal == SIGTERM, "the worker inherited blocked signals");
        serve_through_deaths(plugin);
    }
    expect(before.leftovers().empty(), before.leftovers());
    sigset_t mask_after;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_after);
    for (int number = 1; number < NSIG; ++number) {
        expect(::sigismember(&mask_before, number) == ::sigismember(&mask_after, number),
               "the signal mask was changed");
    }
    say("done");
}
