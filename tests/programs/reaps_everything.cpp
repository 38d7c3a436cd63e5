// A server with a thread that reaps whatever child dies, as some frameworks do.
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "programs/server.hpp"
#include "support/snapshot.hpp"

using namespace bulkhead::programs;

int main() {
    const auto before = bulkhead::tests::Snapshot::take();
    std::atomic<bool> stop{false};
    std::thread reaper([&stop] {
        while (!stop) {
            if (::waitpid(-1, nullptr, WNOHANG) <= 0) {
                std::this_thread::yield();
            }
        }
    });
    {
        auto host = make_host();
        const auto plugin = load(host, "faulty", kTireless);
        serve_through_deaths(plugin);
    }
    stop = true;
    reaper.join();
    expect(before.leftovers().empty(), before.leftovers());
    say("done");
}
