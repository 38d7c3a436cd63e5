// Hosts come and go, in several threads: nothing is left of them.
#include <doctest/doctest.h>

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

// One life of a host: serves two plugins, one of which may crash. What went wrong; empty: nothing.
std::string live_once(int turn) {
    auto host = Host::create(host_options());
    if (!host) {
        return host.error().message;
    }
    const auto greeter = host->load(built_plugin("greeter"));
    const auto faulty = host->load(built_plugin("faulty"));
    if (!greeter || !faulty) {
        return (greeter ? faulty : greeter).error().message;
    }
    const auto greeting = greeter->call("greet", "you");
    if (summary(greeting) != "ok: Hello, you!") {
        return summary(greeting) + " " + sentence(greeting);
    }
    if (turn % 3 == 0) {
        const auto crash = faulty->call("segfault", "");
        if (summary(crash) != "crashed/unknown") {
            return summary(crash) + " " + sentence(crash);
        }
    }
    if (turn % 3 == 1) {  // and ends with a call under way
        faulty->async_call("hang_cancellable", "", {}, [](const result<Bytes>&) {});
    }
    return "";
}

void live_often(int threads, int turns, const Collector<std::string>& complaints) {
    std::vector<std::thread> lives;
    for (int thread = 0; thread < threads; ++thread) {
        lives.emplace_back([complaints, turns, thread] {
            for (int turn = 0; turn < turns; ++turn) {
                const std::string complaint = live_once(turn + thread);
                if (!complaint.empty()) {
                    complaints.add(complaint);
                }
            }
        });
    }
    for (std::thread& life : lives) {
        life.join();
    }
}

void check_hosts(int threads, int turns) {
    const Collector<std::string> complaints;
    live_often(threads, turns / 2, complaints);  // until all that grows once has grown
    const Snapshot before = Snapshot::take();
    live_often(threads, turns / 2, complaints);
    for (const std::string& complaint : complaints.all()) {
        FAIL_CHECK(complaint);
    }
    CHECK(before.leftovers() == "");
    // Each thread has memory of its own, which malloc gives back when it likes.
    CHECK(before.growth() < kMostGrowth * (threads > 1 ? 2 : 1));
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
