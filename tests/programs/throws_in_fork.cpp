// A server whose forked child once can open nothing, before it has become a guard.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "programs/server.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

namespace {

std::atomic<bool> next_is_poor{false};

void in_child() {
    if (next_is_poor) {
        const rlimit none{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
}

}  // namespace

int main() {
    const pid_t here = ::getpid();
    expect(::pthread_atfork(nullptr, nullptr, in_child) == 0, "no handler can be registered");
    const auto before = bulkhead::tests::Snapshot::take();
    next_is_poor = true;
    const auto host = bulkhead::Host::create(bulkhead::tests::host_options());
    expect(::getpid() == here, "there are two servers now");
    expect(host.has_error(), "there is a host without a guard");
    expect(bulkhead::tests::contains(host.error().message, "no memory or descriptor"), host.error().message);
    expect(before.leftovers().empty(), before.leftovers());
    next_is_poor = false;
    {
        auto next = make_host();
        serve_through_deaths(load(next, "faulty", kTireless));
    }
    expect(before.leftovers().empty(), before.leftovers());
    say("done");
}
