// A thousand kill -9 of workers while calls run: nothing grows.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostGrowth = std::size_t{128} << 20;  // freed memory stays in quarantine, and shadows grow
#else
constexpr std::size_t kMostGrowth = std::size_t{4} << 20;
#endif

void kill_workers(const Service& service, int times) {
    for (int kill = 0; kill < times; ++kill) {
        const pid_t worker = service.worker();
        REQUIRE(::kill(worker, SIGKILL) == 0);
        REQUIRE(await_gone(worker));
    }
}

TEST_CASE("a thousand workers can be killed under load, and all is as before") {
    Service service;
    std::atomic<bool> stop{false};
    std::atomic<long> wrong{0};
    std::vector<std::thread> callers;
    const auto start_callers = [&] {
        stop = false;
        for (const std::size_t size : {std::size_t{20}, std::size_t{5000}}) {
            callers.emplace_back([&, size] {
                const std::string request(size, 'x');
                while (!stop) {
                    const auto outcome = service.plugin().call("echo", request);
                    const bool right =
                        outcome ? outcome->text() == request : outcome.error().code == ErrorCode::crashed;
                    wrong += right ? 0 : 1;
                }
            });
        }
    };
    const auto stop_callers = [&] {
        stop = true;
        for (std::thread& caller : callers) {
            caller.join();
        }
        callers.clear();
    };
    start_callers();
    kill_workers(service, scaled(100));  // until all that grows once has grown
    stop_callers();
    const Snapshot before = Snapshot::take();
    start_callers();
    kill_workers(service, scaled(1000));
    stop_callers();
    CHECK(before.leftovers() == "");
    CHECK(before.growth() < kMostGrowth);
    CHECK(wrong == 0);
    CHECK(service.plugin().stats().deaths >= static_cast<std::uint64_t>(scaled(1000)));
    CHECK(unaccounted(service.plugin().stats()) == "");
    CHECK(family_of(::getpid()).others.size() == 1);
}

}  // namespace
}  // namespace bulkhead::tests
