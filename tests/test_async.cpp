// Asynchronous calls: every completion token, and where handlers run.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/outcomes.hpp"
#include "support/scale.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;
namespace asio = boost::asio;

TEST_CASE("a callback without an executor runs on the host's callback thread, one after the other") {
    Service service;
    Collector<std::thread::id> threads;
    for (int call = 0; call < 50; ++call) {
        service.plugin().async_call("echo", "x", {},
                                    [threads](const result<Bytes>&) { threads.add(std::this_thread::get_id()); });
    }
    REQUIRE(threads.await_count(50));
    const auto all = threads.all();
    CHECK(all.front() != std::this_thread::get_id());
    CHECK(std::all_of(all.begin(), all.end(), [&](std::thread::id id) { return id == all.front(); }));
}

TEST_CASE("the callback thread is the same for plugins that were unloaded, as long as the host lives") {
    Service service;
    REQUIRE(service.host().unload("faulty").has_value());
    Collector<std::thread::id> threads;
    const auto note = [threads](const result<Bytes>&) { threads.add(std::this_thread::get_id()); };
    const PluginFolder neighbour("greeter");
    load(service.host(), neighbour).async_call("greet", "you", {}, note);
    for (int call = 0; call < 50; ++call) {
        service.plugin().async_call("echo", "x", {}, note);
    }
    REQUIRE(threads.await_count(51));
    const auto all = threads.all();
    CHECK(std::all_of(all.begin(), all.end(), [&](std::thread::id id) { return id == all.front(); }));
    service.end_host();
    service.plugin().async_call("echo", "x", {}, note);  // that thread is gone
    CHECK(threads.await_count(52));
}

TEST_CASE("a future gets the outcome") {
    Service service;
    std::vector<std::future<result<Bytes>>> futures;
    for (int call = 0; call < 50; ++call) {
        futures.push_back(service.plugin().async_call("echo", std::to_string(call), {}, asio::use_future));
    }
    auto failing = service.plugin().async_call("segfault", "", {}, asio::use_future);
    for (int call = 0; call < 50; ++call) {
        CHECK(summary(futures[static_cast<std::size_t>(call)].get()) == "ok: " + std::to_string(call));
    }
    CHECK(summary(failing.get()) == "crashed/unknown");
}

TEST_CASE("a coroutine goes on in its own io_context") {
    Service service;
    asio::io_context context;
    std::string told;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            const auto thread = std::this_thread::get_id();
            for (int call = 0; call < 20; ++call) {
                const auto outcome = co_await service.plugin().async_call("echo", "x", {}, asio::use_awaitable);
                CHECK(summary(outcome) == "ok: x");
                CHECK(std::this_thread::get_id() == thread);
            }
            told = summary(co_await service.plugin().async_call("abort", "", {}, asio::use_awaitable));
        },
        asio::detached);
    context.run();
    CHECK(told == "crashed/unknown");
}

TEST_CASE("a coroutine that waits for a call or for a timer, whichever is first, cancels the other") {
    Service service;
    asio::io_context context;
    std::size_t first = 0;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            asio::steady_timer timer(context, 30ms);
            const auto outcome =
                co_await (service.plugin().async_call("hang_cancellable", "", {}, asio::use_awaitable) ||
                          timer.async_wait(asio::use_awaitable));
            first = outcome.index();
        },
        asio::detached);
    context.run();
    CHECK(first == 1);
    CHECK(service.plugin().stats().failed(ErrorCode::cancelled) == 1);
    CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
    CHECK(service.plugin().stats().deaths == 0);
}

TEST_CASE("a handler runs on the executor that it is bound to") {
    Service service;
    asio::thread_pool pool(1);
    std::promise<std::thread::id> pool_thread;
    asio::post(pool, [&] { pool_thread.set_value(std::this_thread::get_id()); });
    const auto expected = pool_thread.get_future().get();
    std::promise<std::thread::id> ran_on;
    service.plugin().async_call("echo", "x", {}, asio::bind_executor(pool, [&](const result<Bytes>&) {
                                    ran_on.set_value(std::this_thread::get_id());
                                }));
    CHECK(ran_on.get_future().get() == expected);
    pool.join();
}

TEST_CASE("the executor of a pending call has work until the handler ran") {
    Service service;
    asio::io_context context;
    bool ran = false;
    service.plugin().async_call("answer_later", "x", {},
                                asio::bind_executor(context, [&ran](const result<Bytes>&) { ran = true; }));
    context.run();  // does not come back before
    CHECK(ran);
}

TEST_CASE("a handler that is bound to the system executor runs inline, where the reply is read") {
    Service service;
    std::promise<std::thread::id> ran_on;
    service.plugin().async_call("echo", "x", {},
                                asio::bind_executor(asio::system_executor(), [&](const result<Bytes>&) {
                                    ran_on.set_value(std::this_thread::get_id());
                                }));
    CHECK(ran_on.get_future().get() != std::this_thread::get_id());
}

TEST_CASE("a handler never runs within async_call, not even when the call is refused at once") {
    Service service;
    std::thread::id initiator = std::this_thread::get_id();
    Collector<bool> inline_runs;
    // Refused at once: no such method, too large.
    for (const char* method : {"no such method", "echo"}) {
        const std::string request(std::string(method) == "echo" ? 20 << 20 : 1, 'x');
        service.plugin().async_call(method, request, {}, [inline_runs, initiator](const result<Bytes>&) {
            inline_runs.add(std::this_thread::get_id() == initiator);
        });
    }
    REQUIRE(inline_runs.await_count(2));
    for (const bool ran_inline : inline_runs.all()) {
        CHECK_FALSE(ran_inline);
    }
}

TEST_CASE("handlers may move what they hold, and may be moved only") {
    Service service;
    std::promise<std::string> promise;
    auto future = promise.get_future();
    auto moved = std::make_unique<int>(7);
    service.plugin().async_call(
        "echo", "x", {}, [moved = std::move(moved), promise = std::move(promise)](result<Bytes> outcome) mutable {
            const Bytes kept = *std::move(outcome);
            promise.set_value(std::string(kept.text()) + std::to_string(*moved));
        });
    CHECK(future.get() == "x7");
}

TEST_CASE("a completion handler may call again, asynchronously and synchronously") {
    Service service;
    std::promise<std::string> done;
    int left = 100;
    std::function<void(const result<Bytes>&)> again = [&](const result<Bytes>& outcome) {
        if (!outcome || left-- == 0) {
            done.set_value(summary(outcome));
            return;
        }
        if (left % 2 == 0) {
            CHECK(summary(service.plugin().call("echo", "inner")) == "ok: inner");
        }
        service.plugin().async_call("echo", "outer", {}, again);
    };
    service.plugin().async_call("echo", "outer", {}, again);
    CHECK(done.get_future().get() == "ok: outer");
}

TEST_CASE("a token that starts its call later, and more than once, has kept all that the caller gave") {
    Service service;
    auto later = [&] {
        const std::string method = "echo";
        const std::string request = "long gone";
        CallOptions options;
        options.timeout = 10s;
        return Plugin(service.plugin()).async_call(method, request, options, asio::deferred);
    }();
    auto of_method = service.plugin().method("echo").async_call("of a method that is gone", {}, asio::deferred);
    Collector<std::string> answers;
    const auto collect = [answers](const result<Bytes>& outcome) { answers.add(summary(outcome)); };
    auto copy = later;
    std::move(copy)(collect);
    std::move(later)(collect);
    std::move(of_method)(collect);
    REQUIRE(answers.await_count(3));
    CHECK(answers.all() == std::vector<std::string>{"ok: long gone", "ok: long gone", "ok: of a method that is gone"});
}

TEST_CASE("a handler may own the last handle of the plugin whose call it ends") {
    for (int round = 0; round < scaled(50); ++round) {
        std::optional<Service> service(std::in_place);
        std::promise<std::string> done;
        auto handle = std::make_unique<Plugin>(service->plugin());
        const Plugin& plugin = *handle;
        plugin.async_call("echo", "x", {},
                          asio::bind_executor(asio::system_executor(), [&done, handle = std::move(handle)](
                                                                           const result<Bytes>& outcome) mutable {
                              handle.reset();
                              done.set_value(summary(outcome));
                          }));
        service.reset();
        const std::string outcome = done.get_future().get();
        CHECK((outcome == "ok: x" || outcome == "stopped/none" || outcome == "stopped/unknown"));
    }
}

TEST_CASE("a method that the plugin does not have refuses asynchronous calls, too") {
    Service service;
    auto answer = service.plugin().method("nothing").async_call("x", {}, asio::use_future);
    CHECK(summary(answer.get()) == summary(service.plugin().call("nothing", "x")));
}

TEST_CASE("an asynchronous call's handler does not wait for somebody's long synchronous call") {
    Witness witness;
    std::promise<std::string> told;
    {
        Held held(witness);  // its caller reads the replies now
        witness.plugin().async_call("note", "behind", {},
                                    [&told](const result<Bytes>& outcome) { told.set_value(summary(outcome)); });
        held.let_go();
        CHECK(held.outcome() == "ok: let go");
    }
    CHECK(told.get_future().get() == "ok: behind");

    Service service;
    std::thread reader([plugin = service.plugin()] {
        CallOptions options;
        options.timeout = CallOptions::kNoTimeout;
        static_cast<void>(plugin.call("never_answer", "", options));
    });
    REQUIRE(eventually([&] { return service.plugin().stats().in_flight == 1; }));
    for (int call = 0; call < 20; ++call) {
        Collector<std::string> outcomes;
        service.plugin().async_call("answer_later", "x", {},
                                    [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
        REQUIRE(outcomes.await_count(1));
        CHECK(outcomes.all().front() == "ok: x");
    }
    service.end_host();
    reader.join();
}

TEST_CASE("synchronous and asynchronous callers share one plugin, and each gets its own replies") {
    Service service;
    const int turns = scaled(3000);
    std::atomic<long> wrong{0};
    std::atomic<long> completed{0};
    std::vector<std::thread> callers;
    for (int thread = 0; thread < 4; ++thread) {
        callers.emplace_back([&, thread] {
            for (int turn = 0; turn < turns; ++turn) {
                const std::string request = std::to_string(thread) + "." + std::to_string(turn);
                if (thread % 2 == 0) {
                    CallOptions patient;  // the others take all the room there is
                    patient.when_full = WhenFull::wait;
                    wrong += summary(service.plugin().call("echo", request, patient)) == "ok: " + request ? 0 : 1;
                    ++completed;
                } else {
                    service.plugin().async_call(
                        "answer_later", request, {}, [&, request](const result<Bytes>& outcome) {
                            const std::string text = summary(outcome);
                            wrong += text == "ok: " + request || text == "overloaded/none" ? 0 : 1;
                            ++completed;
                        });
                }
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(eventually([&] { return completed == 4L * turns; }));
    CHECK(wrong == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("an error of a future's call reaches a program that asks for the value as BadResult") {
    Service service;
    const auto outcome = service.plugin().async_call("fail", "3 no", {}, asio::use_future).get();
    CHECK_THROWS_AS(static_cast<void>(outcome.value()), BadResult);
    try {
        static_cast<void>(outcome.value());
    } catch (const BadResult& bad) {
        CHECK(bad.error().plugin_number == 3);
        CHECK(std::string(bad.what()) == bad.error().message);
    }
}

}  // namespace
}  // namespace bulkhead::tests
