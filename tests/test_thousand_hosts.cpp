// Hosts come and go, in several threads: nothing is left of them.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/outcomes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostGrowth = std::size_t{128} << 20;
#else
constexpr std::size_t kMostGrowth = std::size_t{8} << 20;
#endif

// One life of a host: serves two plugins, one of which may crash. False when something went wrong.
bool live_once(int turn) {
    auto host = Host::create(host_options());
    if (!host) {
        return false;
    }
    const auto greeter = host->load(built_plugin("greeter"));
    const auto faulty = host->load(built_plugin("faulty"));
    if (!greeter || !faulty) {
        return false;
    }
    bool good = summary(greeter->call("greet", "you")) == "ok: Hello, you!";
    if (turn % 3 == 0) {
        good = good && summary(faulty->call("segfault", "")) == "crashed/unknown";
    }
    if (turn % 3 == 1) {  // and ends with a call under way
        faulty->async_call("hang_cancellable", "", {}, [](const result<Bytes>&) {});
    }
    return good;
}

void live_often(int threads, int turns, std::atomic<int>& failures) {
    std::vector<std::thread> lives;
    for (int thread = 0; thread < threads; ++thread) {
        lives.emplace_back([&failures, turns, thread] {
            for (int turn = 0; turn < turns; ++turn) {
                failures += live_once(turn + thread) ? 0 : 1;
            }
        });
    }
    for (std::thread& life : lives) {
        life.join();
    }
}

void check_hosts(int threads, int turns) {
    std::atomic<int> failures{0};
    live_often(threads, turns / 2, failures);  // until all that grows once has grown
    const Snapshot before = Snapshot::take();
    live_often(threads, turns / 2, failures);
    CHECK(failures == 0);
    CHECK(before.leftovers() == "");
    CHECK(before.growth() < kMostGrowth);
}

TEST_CASE("hosts can be made and destroyed a thousand times") { check_hosts(1, scaled(1000)); }

TEST_CASE("hosts can be made and destroyed in several threads") { check_hosts(4, scaled(100)); }

TEST_CASE("a host can be moved, and what is overwritten ends") {
    const Snapshot before = Snapshot::take();
    {
        Host first = make_host();
        const Plugin plugin = load(first, built_plugin("greeter"));
        Host second = std::move(first);
        CHECK(summary(plugin.call("greet", "you")) == "ok: Hello, you!");
        second = make_host();
        CHECK(summary(plugin.call("greet", "you")) == "stopped/none");
        CHECK(second.plugins().empty());
    }
    CHECK(before.leftovers() == "");
}

}  // namespace
}  // namespace bulkhead::tests
