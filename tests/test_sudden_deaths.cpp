// Laws 3 and 4: a worker that is killed at any instant leaves no caller waiting.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

// What callers met, counted by summary.
struct Tally {
    std::atomic<long> answered{0};
    std::atomic<long> lost{0};
    std::atomic<long> wrong{0};  // must stay 0
    std::atomic<long> late{0};   // must stay 0
};

constexpr auto kTimeout = 20s;

// Calls `method` with texts of `size` bytes, each another one, until told to stop.
void call_until(const std::atomic<bool>& stop, const Plugin& plugin, const std::string& method, std::size_t size,
                Tally& tally) {
    CallOptions options;
    options.timeout = kTimeout;
    for (unsigned long turn = 0; !stop; ++turn) {
        std::string request = method + std::to_string(turn);
        request.resize(size, static_cast<char>('a' + turn % 26));
        const auto begin = std::chrono::steady_clock::now();
        const auto outcome = plugin.call(method, request, options);
        tally.late += std::chrono::steady_clock::now() - begin > kTimeout + 5s ? 1 : 0;
        if (outcome) {
            ++(outcome->text() == request ? tally.answered : tally.wrong);
        } else {
            ++(outcome.error().code == ErrorCode::crashed ? tally.lost : tally.wrong);
        }
    }
}

// Kills the worker that serves, after a pause of its own each time.
void kill_workers(const Service& service, int times) {
    std::mt19937 random(1);
    for (int kill = 0; kill < times; ++kill) {
        const auto pid = service.plugin().call("pid", "");
        if (!pid) {
            continue;
        }
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 600);
        while (std::chrono::steady_clock::now() < until) {
        }
        ::kill(std::stoi(std::string(pid->text())), SIGKILL);
    }
}

void check_deaths_under(const nlohmann::json& changes, const std::vector<std::pair<std::string, std::size_t>>& callers,
                        int kills) {
    const Snapshot before = Snapshot::take();
    {
        Service service("faulty", merged(kEndlessRestarts, changes));
        Tally tally;
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (const auto& [method, size] : callers) {
            threads.emplace_back(
                [&, method = method, size = size] { call_until(stop, service.plugin(), method, size, tally); });
        }
        kill_workers(service, kills);
        stop = true;
        for (std::thread& thread : threads) {
            thread.join();
        }
        MESSAGE(tally.answered.load() << " answered, " << tally.lost.load() << " lost, "
                                      << service.plugin().stats().deaths << " deaths");
        CHECK(tally.wrong == 0);
        CHECK(tally.late == 0);
        CHECK(tally.answered > 0);
        CHECK(service.serves_again());
        CHECK(unaccounted(service.plugin().stats()) == "");
    }
    CHECK(before.leftovers() == "");
}

const nlohmann::json kEchoOnce = {{"methods", {{"echo", {{"idempotent", false}}}}}};

TEST_CASE("one caller whose worker is killed again and again always gets an outcome") {
    check_deaths_under(kEchoOnce, {{"echo", 20}}, scaled(300));
}

TEST_CASE("several callers whose worker is killed again and again always get outcomes, and only their own") {
    check_deaths_under(kEchoOnce, {{"echo", 20}, {"answer_later", 60}, {"echo", 3000}, {"echo_in_place", 80}},
                       scaled(300));
}

TEST_CASE("callers with large payloads whose worker is killed always get outcomes, and only their own") {
    check_deaths_under(kEchoOnce, {{"echo", 300'000}, {"echo_in_place", 100'000}, {"answer_later", 200'000}},
                       scaled(100));
}

TEST_CASE("asynchronous calls whose worker is killed again and again all get outcomes") {
    Service service("faulty", merged(kEndlessRestarts, kEchoOnce));
    struct Counts {
        std::atomic<long> started{0};
        std::atomic<long> ended{0};
        std::atomic<long> wrong{0};
    } counts;
    std::atomic<bool> stop{false};
    std::thread caller([&] {
        for (unsigned long turn = 0; !stop; ++turn) {
            const std::string request = "call " + std::to_string(turn);
            ++counts.started;
            service.plugin().async_call("echo", request, {}, [&counts, request](const result<Bytes>& outcome) {
                const bool right = outcome ? outcome->text() == request
                                           : outcome.error().code == ErrorCode::crashed ||
                                                 outcome.error().code == ErrorCode::overloaded;
                counts.wrong += right ? 0 : 1;
                ++counts.ended;
            });
            while (counts.started - counts.ended > 30 && !stop) {
                std::this_thread::yield();
            }
        }
    });
    kill_workers(service, scaled(200));
    stop = true;
    caller.join();
    CHECK(eventually([&] { return counts.ended == counts.started; }));
    CHECK(counts.wrong == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a worker whose dispatcher thread ends is replaced, although its process lives on") {
    for (const int standby : {0, 1}) {
        CAPTURE(standby);
        const Service service("perils", merged(kEndlessRestarts, {{"supervision", {{"standby", standby}}}}));
        CallOptions options;
        options.timeout = kTimeout;
        CHECK(summary(service.plugin().call("end_dispatcher", "", options)) == "crashed/unknown");
        CHECK(service.plugin().stats().deaths == 1);
        CHECK(summary(service.plugin().call("end_dispatcher", "", options)) == "crashed/unknown");
    }
}

TEST_CASE("a worker whose dispatcher thread ends is replaced when nobody blocks for an answer") {
    const Service service("perils");
    CallOptions options;
    options.timeout = CallOptions::kNoTimeout;
    for (int turn = 0; turn < 2; ++turn) {
        auto ending = service.plugin().async_call("end_dispatcher", "", options, boost::asio::use_future);
        REQUIRE(ending.wait_for(kTimeout) == std::future_status::ready);
        CHECK(summary(ending.get()) == "crashed/unknown");
    }
    REQUIRE(service.deaths().await_count(2));
    CHECK(contains(service.deaths().all()[0].backtrace_note, "or its dispatcher thread ended"));
}

TEST_CASE("a worker that somebody traces is replaced, although its exit status never comes") {
    const Service service("perils", merged(kEndlessRestarts, {{"supervision", {{"hang_grace_ms", 100}}}}));
    CallOptions options;
    options.timeout = 500ms;
    const auto outcome = service.plugin().call("crash_while_traced", "", options);
    CHECK((summary(outcome) == "timed_out/unknown" || summary(outcome) == "crashed/unknown"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(summary(service.plugin().call("crash_while_idle", "")) == "ok: ");
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    REQUIRE(service.deaths().await_count(2));
}

}  // namespace
}  // namespace bulkhead::tests
