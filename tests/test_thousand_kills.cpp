// A thousand kill -9 of workers while calls run: nothing grows.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/adoption.hpp"
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

// Threads that call until they are destroyed, with small and with large payloads.
class Callers {
  public:
    Callers(const Plugin& plugin, std::atomic<long>& wrong) {
        for (const std::size_t size : {std::size_t{20}, std::size_t{5000}}) {
            threads_.emplace_back([this, plugin, &wrong, request = std::string(size, 'x')] {
                while (!stop_) {
                    const auto outcome = plugin.call("echo", request);
                    const bool right =
                        outcome ? outcome->text() == request : outcome.error().code == ErrorCode::crashed;
                    wrong += right ? 0 : 1;
                }
            });
        }
    }
    Callers(const Callers&) = delete;
    Callers& operator=(const Callers&) = delete;
    ~Callers() {
        stop_ = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

  private:
    std::atomic<bool> stop_{false};
    std::vector<std::thread> threads_;
};

void kill_workers(const Service& service, int times, std::atomic<long>& wrong) {
    const Callers callers(service.plugin(), wrong);
    for (int kill = 0; kill < times; ++kill) {
        const pid_t worker = service.worker();
        REQUIRE(::kill(worker, SIGKILL) == 0);
        REQUIRE(await_gone(worker));
    }
}

TEST_CASE("a thousand workers can be killed under load, and all is as before") {
    Service service;
    std::atomic<long> wrong{0};
    kill_workers(service, scaled(100), wrong);  // until all that grows once has grown
    CHECK(not_just_a_family_with(1) == "");
    const Snapshot before = Snapshot::take();
    kill_workers(service, scaled(1000), wrong);
    CHECK(before.leftovers() == "");
    CHECK(before.growth() < kMostGrowth);
    CHECK(wrong == 0);
    CHECK(service.plugin().stats().deaths >= static_cast<std::uint64_t>(scaled(1000)));
    CHECK(unaccounted(service.plugin().stats()) == "");
    CHECK(not_just_a_family_with(1) == "");
}

}  // namespace
}  // namespace bulkhead::tests
