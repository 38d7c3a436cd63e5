// A server whose forked child fails before it has become a guard: because it can open nothing, and because the worker
// executable is none. Neither goes on as a second server, nor ends as one.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "programs/server.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/scratch_folder.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

namespace {

const pid_t here = ::getpid();
std::atomic<bool> next_is_poor{false};

void in_child() {
    if (next_is_poor) {
        const rlimit none{3, 3};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
}

void at_end() { expect(::getpid() == here, "a child runs what the server wants done at its end"); }

void start_what_is_no_program() {
    const bulkhead::tests::ScratchFolder scratch;
    bulkhead::HostOptions options;
    options.worker = scratch.path() / "bulkhead-worker";
    std::ofstream(options.worker) << "no program";
    std::filesystem::permissions(options.worker, std::filesystem::perms::owner_all);
    const auto host = bulkhead::Host::create(std::move(options));
    expect(host.has_error(), "there is a host without a worker executable");
    expect(bulkhead::tests::contains(host.error().message, "Exec format error"), host.error().message);
}

}  // namespace

int main() {
    std::atexit(at_end);
    expect(::pthread_atfork(nullptr, nullptr, in_child) == 0, "no handler can be registered");
    const auto before = bulkhead::tests::Snapshot::take();
    next_is_poor = true;
    const auto host = bulkhead::Host::create(bulkhead::tests::host_options());
    expect(::getpid() == here, "there are two servers now");
    expect(host.has_error(), "there is a host without a guard");
    expect(bulkhead::tests::contains(host.error().message, "no memory or descriptor"), host.error().message);
    expect(before.leftovers().empty(), before.leftovers());
    next_is_poor = false;
    static char buffer[4096];
    std::setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    std::printf("printed once\n");  // when this process ends, or flushes it
    start_what_is_no_program();
    {
        auto next = make_host();
        serve_through_deaths(load(next, "faulty", kTireless));
    }
    expect(before.leftovers().empty(), before.leftovers());
    say("done");
}
