// Handlers that run where the reply is read, and make the next calls from there.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/system_executor.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/scale.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("an inline handler may call again asynchronously") {
    Service service;
    std::promise<std::string> done;
    int left = 1000;
    std::function<void(const result<Bytes>&)> again = [&](const result<Bytes>& outcome) {
        if (!outcome || left-- == 0) {
            done.set_value(summary(outcome));
            return;
        }
        service.plugin().async_call("echo", "x", {}, asio::bind_executor(asio::system_executor(), again));
    };
    service.plugin().async_call("echo", "x", {}, asio::bind_executor(asio::system_executor(), again));
    CHECK(done.get_future().get() == "ok: x");
}

TEST_CASE("calls that inline handlers make reach a worker that falls asleep meanwhile") {
    // A worker that parks as soon as it has nothing to do, and that it is told of calls only when the handlers are
    // through.
    Service service("faulty", merged(kEndlessRestarts, {{"latency", "park"}}));
    const Method echo = service.plugin().method("echo");
    CallOptions options;
    options.timeout = 10s;
    std::promise<std::string> done;
    int left = scaled(20'000);
    int outstanding = 0;
    std::function<void(const result<Bytes>&)> again = [&](const result<Bytes>& outcome) {
        --outstanding;
        left = outcome ? left : 0;
        // Few are outstanding for a while, and then many.
        const int window = 1 + left / 100 % 8;
        while (left > 0 && outstanding < window) {
            --left;
            ++outstanding;
            echo.async_call("x", options, asio::bind_executor(asio::system_executor(), again));
        }
        if (!outcome || (left == 0 && outstanding == 0)) {
            done.set_value(summary(outcome));
        }
    };
    outstanding = 1;
    echo.async_call("x", options, asio::bind_executor(asio::system_executor(), again));
    CHECK(done.get_future().get() == "ok: x");
}

// Runs an inline handler while a hundred calls are in flight. They wait behind one that ends when the handler lets it
// go.
void in_a_busy_handler(Witness& witness, const std::function<void(const std::function<void()>& let_go)>& handler) {
    constexpr std::size_t kOthers = 100;
    const std::string gate = witness.make_gate();
    const auto let_go = [&gate] { ::close(::open(gate.c_str(), O_WRONLY | O_CLOEXEC)); };
    Held held(witness);
    std::promise<void> done;
    witness.plugin().async_call("note", "first", {},
                                asio::bind_executor(asio::system_executor(), [&](const result<Bytes>&) {
                                    handler(let_go);
                                    done.set_value();
                                }));
    Collector<std::string> others;
    const auto add = [others](const result<Bytes>& outcome) { others.add(summary(outcome)); };
    witness.plugin().async_call("hold", gate, {}, add);
    for (std::size_t call = 1; call < kOthers; ++call) {
        witness.plugin().async_call("note", "other", {}, add);
    }
    held.let_go();
    done.get_future().get();
    REQUIRE(others.await_count(kOthers));
}

// What ran, but for what in_a_busy_handler() made.
std::vector<std::string> journal_of_handler(const Witness& witness) {
    std::vector<std::string> lines = witness.journal();
    std::erase_if(lines, [](const std::string& line) { return line == "first" || line == "other" || line == "hold"; });
    return lines;
}

TEST_CASE("calls that a busy handler makes run in their order, and before a blocking one that follows") {
    constexpr int kCalls = 20;  // more than are published together
    Witness witness;
    Collector<std::string> outcomes;
    std::vector<std::string> expected;
    in_a_busy_handler(witness, [&](const std::function<void()>& let_go) {
        for (int call = 0; call < kCalls; ++call) {
            witness.plugin().async_call("note", expected.emplace_back(std::to_string(call)), {},
                                        [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
        }
        let_go();
        CHECK(summary(witness.plugin().call("note", expected.emplace_back("last"))).starts_with("ok"));
    });
    REQUIRE(outcomes.await_count(kCalls));
    CHECK(journal_of_handler(witness) == expected);
}

TEST_CASE("a call that a busy handler makes and cancels at once never runs") {
    Witness witness;
    Collector<std::string> outcomes;
    asio::cancellation_signal signal;
    in_a_busy_handler(witness, [&](const std::function<void()>& let_go) {
        const auto add = [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); };
        witness.plugin().async_call("note", "cancelled", {}, asio::bind_cancellation_slot(signal.slot(), add));
        signal.emit(asio::cancellation_type::terminal);
        let_go();
    });
    REQUIRE(outcomes.await_count(1));
    CHECK(outcomes.all().front() == "cancelled/none");
    CHECK(journal_of_handler(witness).empty());
    CHECK(eventually([&] { return witness.plugin().stats().in_flight == 0; }));
}

TEST_CASE("calls that a busy handler makes reach the next worker when the one that serves dies meanwhile") {
    constexpr int kCalls = 10;
    Witness witness;
    Collector<std::string> outcomes;
    in_a_busy_handler(witness, [&](const std::function<void()>&) {
        // The first one held the worker. The second one, which nobody lets go, must die with it: in the next worker it
        // would wait for ever.
        CHECK(eventually([&] { return std::ranges::count(witness.journal(), "hold") == 2; }));
        for (int call = 0; call < kCalls; ++call) {
            witness.plugin().async_call("note", "x", {},
                                        [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
        }
        ::kill(static_cast<pid_t>(witness.plugin().status().worker_pid), SIGKILL);
    });
    REQUIRE(outcomes.await_count(kCalls));
    const auto all = outcomes.all();
    CHECK(std::all_of(all.begin(), all.end(), [](const std::string& outcome) { return outcome.starts_with("ok"); }));
    CHECK(journal_of_handler(witness).size() == kCalls);
}

}  // namespace
}  // namespace bulkhead::tests
