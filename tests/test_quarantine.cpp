// Requests that kill workers are refused after a while, and those beside them are not.
#include <doctest/doctest.h>

#include <boost/asio/use_future.hpp>
#include <future>
#include <string>

#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

const nlohmann::json kTireless = {{"supervision", {{"restarts", 1000}, {"backoff_ms", 0}}}};

TEST_CASE("a request that was running in two deaths is refused from then on, and only that one") {
    Service service("keeper", kTireless);
    CHECK(summary(service.plugin().call("crash", "poison")) == "crashed/unknown");
    CHECK(summary(service.plugin().call("crash", "another")) == "crashed/unknown");
    const auto second = service.plugin().call("crash", "poison");
    CHECK(summary(second) == "quarantined/unknown");
    CHECK(second.error().report);
    const auto third = service.plugin().call("crash", "poison");
    CHECK(summary(third) == "quarantined/none");
    CHECK(contains(sentence(third), "call 'crash' was refused"));
    CHECK(service.plugin().stats().deaths == 3);
    CHECK(summary(service.plugin().call("get", "poison")) == "ok: 0");
    CHECK(summary(service.plugin().call("crash", "something else")) == "crashed/unknown");
    service.plugin().reset();
    CHECK(summary(service.plugin().call("crash", "poison")) == "crashed/unknown");
}

TEST_CASE("large requests are told apart by all of their bytes") {
    Service service("keeper", kTireless);
    std::string poison(100'000, 'p');
    for (const char* expected : {"crashed/unknown", "quarantined/unknown", "quarantined/none"}) {
        CHECK(summary(service.plugin().call("crash", poison)) == expected);
    }
    poison.back() = 'q';
    CHECK(summary(service.plugin().call("crash", poison)) == "crashed/unknown");
}

TEST_CASE("an idempotent request is tried again until it is in quarantine") {
    Service service("keeper", kTireless);
    CHECK(summary(service.plugin().call("crash_idempotent", "x")) == "quarantined/unknown");
    CHECK(service.plugin().stats().deaths == 2);
    CHECK(service.plugin().stats().retries == 1);
}

bool holds(const Plugin& plugin, const char* count) {
    return eventually([&] { return summary(plugin.call("held", "")) == std::string("ok: ") + count; });
}

// It is the only one that is held, or will be.
void let_go(const Plugin& plugin, std::future<result<Bytes>>& held) {
    REQUIRE(holds(plugin, "1"));
    CHECK(summary(plugin.call("let_go", "")) == "ok: 1");
    CHECK(summary(held.get()) == "ok: let go");
}

// Of three requests in a worker one crashes it, and the worker cannot say which.
TEST_CASE("suspects are tried again one at a time: innocent ones are answered, the guilty one is found") {
    Service service("holder", merged(kTireless, {{"supervision", {{"retries", 5}}}}));
    const Plugin& plugin = service.plugin();
    std::future<result<Bytes>> innocent[] = {plugin.async_call("hold", "first", {}, boost::asio::use_future),
                                             plugin.async_call("hold", "second", {}, boost::asio::use_future)};
    REQUIRE(holds(plugin, "2"));
    auto guilty = plugin.async_call("crash_aside", "", {}, boost::asio::use_future);
    for (auto& one : innocent) {
        let_go(plugin, one);
    }
    CHECK(summary(guilty.get()) == "quarantined/unknown");
    CHECK(plugin.stats().deaths == 3);
    CHECK(summary(plugin.call("crash_aside", "")) == "quarantined/none");
    auto not_blamed = plugin.async_call("hold", "first", {}, boost::asio::use_future);
    let_go(plugin, not_blamed);
}

TEST_CASE("suspects behind the guilty one are tried, too, when it has had its last try") {
    Service service("holder", merged(kTireless, {{"supervision", {{"retries", 5}}}}));
    const Plugin& plugin = service.plugin();
    auto guilty = plugin.async_call("crash_aside", "39", {}, boost::asio::use_future);
    std::future<result<Bytes>> innocent[] = {plugin.async_call("hold", "first", {}, boost::asio::use_future),
                                             plugin.async_call("hold", "second", {}, boost::asio::use_future)};
    CHECK(summary(guilty.get()) == "quarantined/unknown");
    for (auto& one : innocent) {
        let_go(plugin, one);
    }
}

TEST_CASE("a crash in a thread is not said to be the dispatcher's call's, and not charged to it") {
    Service service("holder", merged(kTireless, {{"supervision", {{"retries", 5}}}}));
    const Plugin& plugin = service.plugin();
    auto guilty = plugin.async_call("crash_aside", "92", {}, boost::asio::use_future);
    const auto innocent = plugin.call("doze", "");
    CHECK(summary(innocent) == "crashed/unknown");
    REQUIRE(innocent.error().report);
    CHECK(innocent.error().report->running_method == "");
    CHECK(summary(guilty.get()) == "quarantined/unknown");
    CHECK(summary(plugin.call("doze", "")) == "ok: 0");
}

TEST_CASE("a hang is said to be that of the call that is overdue, not of the oldest") {
    Service service("holder", merged(kTireless, {{"supervision", {{"hang_grace_ms", 100}}}}));
    const Plugin& plugin = service.plugin();
    auto older = plugin.async_call("hold", "older", {}, boost::asio::use_future);
    CallOptions brief;
    brief.timeout = std::chrono::milliseconds(200);
    CHECK(summary(plugin.call("hold", "overdue", brief)) == "timed_out/unknown");
    REQUIRE(service.deaths().await_count(1));
    const Report report = service.deaths().all().front();
    CHECK(report.cause == Cause::hang);
    CHECK(report.running_method == "hold");
    CHECK(report.running_payload == std::string("overdue").size());
    CHECK(service.plugin().stop().has_value());
    CHECK(summary(older.get()).starts_with("stopped"));
}

TEST_CASE("a worker that is killed by SIGKILL says nothing about its request") {
    Service service("keeper", kTireless);
    for (int turn = 0; turn < 4; ++turn) {
        CHECK(summary(service.plugin().call("die", "same")) == "crashed/unknown");
    }
}

TEST_CASE("quarantine ends with its time, and can be switched off") {
    Service brief("keeper", merged(kTireless, {{"supervision", {{"quarantine_ms", 1000}}}}));
    CHECK(summary(brief.plugin().call("crash_idempotent", "x")) == "quarantined/unknown");
    CHECK(eventually([&] { return summary(brief.plugin().call("crash", "x")) == "crashed/unknown"; }));
    Service never("keeper", merged(kTireless, {{"supervision", {{"quarantine_deaths", 0}}}}));
    for (int turn = 0; turn < 4; ++turn) {
        CHECK(summary(never.plugin().call("crash", "x")) == "crashed/unknown");
    }
}

}  // namespace
}  // namespace bulkhead::tests
