// Law 10: what is idle costs nothing.
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

// Everybody of the host: this process and all below it.
std::vector<pid_t> whole_family() {
    std::vector<pid_t> family{::getpid()};
    for (const ProcessStatus& process : descendants_of(::getpid())) {
        family.push_back(process.pid);
    }
    return family;
}

// How often anybody ran in a time in which nobody had a reason to. Our own thread runs once, when the time is over,
// and a sanitizer may have a thread that ticks.
unsigned long long turns_while_idle(std::chrono::milliseconds time) {
    static_cast<void>(await_family_of(::getpid()));
    const std::vector<pid_t> family = whole_family();
    REQUIRE(family.size() >= 5);  // us, guard, fork server, blank, worker
    const unsigned long long before = turns_of(family);
    ::poll(nullptr, 0, static_cast<int>(time.count()));
    return turns_of(family) - before;
}

// However long it is looked at: what ticks once a second is found out in five.
unsigned long long own_turns([[maybe_unused]] std::chrono::milliseconds time) {
#if defined(__SANITIZE_THREAD__)
    return static_cast<unsigned long long>(90 * time / 1s);  // ten of a thread of its own, in each of six processes
#else
    return 3;
#endif
}

// Looks again when something else ended in the first look, such as a process that was on its way out.
void check_idle() {
    constexpr auto kGlance = 1000ms;
    constexpr auto kLook = 5000ms;
    for (int glance = 0; glance < 5 && turns_while_idle(kGlance) > own_turns(kGlance); ++glance) {
    }
    CHECK(turns_while_idle(kLook) <= own_turns(kLook));
}

TEST_CASE("a host that was just made, with a plugin nobody called, does nothing") {
    const Service service;
    check_idle();
}

TEST_CASE("a host whose plugins have served calls of all kinds does nothing afterwards") {
    Service service;
    PluginFolder neighbour_folder("greeter");
    const Plugin neighbour = load(service.host(), neighbour_folder);
    Collector<std::string> outcomes;
    for (int call = 0; call < 100; ++call) {
        REQUIRE(service.plugin().call("echo", "x").has_value());
        REQUIRE(neighbour.call("greet", "you").has_value());
        service.plugin().async_call("answer_later", "x", {},
                                    [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    }
    REQUIRE(outcomes.await_count(100));
    REQUIRE(service.plugin().call("print", "a line").has_value());
    REQUIRE(service.plugin().call("log", "info a line").has_value());
    check_idle();
}

TEST_CASE("a host that has seen crashes, hangs and deadlines does nothing afterwards") {
    Service service("faulty", merged(kEndlessRestarts, {{"supervision", {{"hang_grace_ms", 50}}}}));
    CallOptions brief;
    brief.timeout = 30ms;
    REQUIRE(service.plugin().call("segfault", "").has_error());
    REQUIRE(service.deaths().await_count(1));
    REQUIRE(eventually([&] {  // on a busy machine its time may be over before it has begun
        REQUIRE(service.plugin().call("hang", "", brief).has_error());
        return service.plugin().stats().deaths >= 2;
    }));
    REQUIRE(service.serves_again());
    check_idle();
}

TEST_CASE("a caller that waits for a plugin that sleeps costs nothing either") {
    Service service;
    std::thread caller([plugin = service.plugin()] { static_cast<void>(plugin.call("sleep_forever", "")); });
    REQUIRE(eventually([&] { return service.plugin().stats().in_flight == 1; }));
    check_idle();
    service.end_host();
    caller.join();
}

TEST_CASE("a plugin that closes its stdout and stderr does not keep the host busy") {
    Witness witness;
    REQUIRE(witness.plugin().call("close_output", "").has_value());
    check_idle();
}

TEST_CASE("a plugin that was given up costs nothing") {
    Service service("faulty", {{"supervision", {{"restarts", 0}}}});
    PluginFolder neighbour_folder("greeter");
    const Plugin neighbour = load(service.host(), neighbour_folder);
    REQUIRE(service.plugin().call("segfault", "").has_error());
    REQUIRE(eventually([&] { return summary(service.plugin().call("echo", "x")) == "unavailable/none"; }));
    check_idle();
}

}  // namespace
}  // namespace bulkhead::tests
