// Threads that call one plugin again and again take turns; nobody is forgotten, whoever stops when.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

// Calls so often, one right after the other, and says how many answers were its own.
int own_answers(const Plugin& plugin, int calls, const std::string& name) {
    int own = 0;
    for (int call = 0; call < calls; ++call) {
        const std::string request = name + " " + std::to_string(call);
        const auto outcome = plugin.call("echo", request);
        own += outcome && outcome->text() == request ? 1 : 0;
    }
    return own;
}

TEST_CASE("threads that call again and again all get their own answers, and those that stop hold up nobody") {
    Service service;
    const int calls = scaled(2000);
    for (const std::size_t count : {2, 3, 8}) {
        CAPTURE(count);
        std::vector<int> own(count);
        std::vector<std::thread> threads;
        for (std::size_t index = 0; index < count; ++index) {
            threads.emplace_back([&, index] {
                own[index] = own_answers(service.plugin(), calls * static_cast<int>(index + 1), std::to_string(index));
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        for (std::size_t index = 0; index < count; ++index) {
            CHECK(own[index] == calls * static_cast<int>(index + 1));
        }
    }
    CHECK(service.plugin().stats().in_flight == 0);
}

TEST_CASE("a caller that comes now and then, and one that does not block, get on between those that take turns") {
    Service service;
    std::atomic<bool> over{false};
    std::atomic<int> strange{0};
    std::vector<std::thread> busy;
    for (int index = 0; index < 3; ++index) {
        busy.emplace_back([&, index] {
            while (!over) {
                strange += own_answers(service.plugin(), 10, std::to_string(index)) == 10 ? 0 : 1;
            }
        });
    }
    CallOptions options;
    options.timeout = 20s;
    for (int call = 0; call < scaled(100); ++call) {
        CHECK(summary(service.plugin().call("echo", "now and then", options)) == "ok: now and then");
        Collector<std::string> answers;
        service.plugin().async_call("echo", "without blocking", options,
                                    [answers](const result<Bytes>& outcome) { answers.add(summary(outcome)); });
        REQUIRE(answers.await_count(1));
        CHECK(answers.all().front() == "ok: without blocking");
    }
    over = true;
    for (std::thread& thread : busy) {
        thread.join();
    }
    CHECK(strange == 0);
}

}  // namespace
}  // namespace bulkhead::tests
