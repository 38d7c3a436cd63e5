// Law 2: the host trusts no byte that a worker can write.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "support/outcomes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

struct Lie {
    const char* method;
    const char* request;
    const char* rule;  // what the report says was broken
};

constexpr Lie kLies[] = {
    {"lie_sequence", "", "a sequence number from the future"},
    {"lie_kind", "", "unknown kind"},
    {"lie_kind", "1", "unknown kind"},   // a request is no reply
    {"lie_kind", "80", "unknown kind"},  // reserved
    {"lie_kind", "66", "nobody cancelled"},
    {"lie_call_id", "index", "not in flight"},
    {"lie_call_id", "generation", "not in flight"},
    {"lie_incarnation", "", "another worker"},
    {"lie_length", "inline", "outside its place"},
    {"lie_length", "limit", "longer than the payload limit"},
    {"lie_offset", "beyond", "outside its place"},
    {"lie_offset", "overflow", "outside its place"},
};

// The plugin that lies, and another one that must not notice.
struct TwoPlugins {
    Service service{"faulty", merged(kEndlessRestarts, {{"supervision", {{"call_ms", 5000}}}})};
    PluginFolder neighbour_folder{"greeter"};
    Plugin neighbour = load(service.host(), neighbour_folder);

    const Plugin& liar() const { return service.plugin(); }
    void check_that_all_is_well() {
        CHECK(service.serves_again());
        CHECK(summary(liar().call("echo", "still here")) == "ok: still here");
        CHECK(summary(neighbour.call("greet", "you")) == "ok: Hello, you!");
        CHECK(neighbour.stats().deaths == 0);
        CHECK(unaccounted(liar().stats()) == "");
    }
};

TEST_CASE("a worker that lies to its waiting caller is ended for a protocol violation that names the rule") {
    TwoPlugins plugins;
    for (const Lie& lie : kLies) {
        CAPTURE(lie.method);
        CAPTURE(lie.request);
        const auto answer = plugins.liar().call(lie.method, lie.request);
        CHECK(summary(answer) == "protocol_violation/unknown");
        REQUIRE(answer.has_error());
        CAPTURE(sentence(answer));
        CHECK(contains(sentence(answer), "plugin faulty: call '" + std::string(lie.method) + "'"));
        CHECK(contains(sentence(answer), lie.rule));
        REQUIRE(answer.error().report);
        CHECK(answer.error().report->cause == Cause::protocol_violation);
        CHECK(contains(answer.error().report->detail, lie.rule));
    }
    plugins.check_that_all_is_well();
    CHECK(plugins.service.deaths().await_count(std::size(kLies)));
    CHECK(plugins.liar().stats().deaths == std::size(kLies));
}

TEST_CASE("a worker that lies while nobody waits synchronously is found out too") {
    TwoPlugins plugins;
    for (const Lie& lie : kLies) {
        CAPTURE(lie.method);
        CAPTURE(lie.request);
        Collector<std::string> outcomes;
        plugins.liar().async_call(lie.method, lie.request, {},
                                  [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
        REQUIRE(outcomes.await_count(1));
        CHECK(outcomes.all().front() == "protocol_violation/unknown");
    }
    plugins.check_that_all_is_well();
}

TEST_CASE("a worker that answers before it is ready is ended for it") {
    Host host = make_host();
    const PluginFolder folder("faulty", {{"config", {{"start", "lie"}}}});
    const auto plugin = host.load(folder.path());
    REQUIRE(plugin.has_error());
    CHECK(contains(plugin.error().message, "a reply before it was ready"));
    REQUIRE(plugin.error().report);
    CHECK(plugin.error().report->cause == Cause::protocol_violation);
}

TEST_CASE("two replies to one call: the first counts, and the second is a violation") {
    TwoPlugins plugins;
    const auto answer = plugins.liar().call("double_reply", "");
    CHECK(summary(answer) == "ok: a lie");
    REQUIRE(plugins.service.deaths().await_count(1));
    const Report report = plugins.service.deaths().all().front();
    CHECK(report.cause == Cause::protocol_violation);
    CHECK(contains(report.detail, "not in flight"));
    plugins.check_that_all_is_well();
}

TEST_CASE("a begun cursor that lies hurts only the plugin's own calls") {
    for (const char* how : {"ahead", "behind"}) {
        CAPTURE(how);
        TwoPlugins plugins;
        for (int call = 0; call < 3; ++call) {  // so that "behind" can be
            REQUIRE(plugins.liar().call("echo", "x").has_value());
        }
        CallOptions options;
        options.timeout = 5s;
        const auto answer = plugins.liar().call("lie_begun", how, options);
        REQUIRE(answer.has_error());
        CAPTURE(sentence(answer));
        const ErrorCode code = answer.error().code;
        CHECK((code == ErrorCode::protocol_violation || code == ErrorCode::crashed));
        plugins.check_that_all_is_well();
    }
}

TEST_CASE("whatever a worker scribbles over its outbox, each call ends in time and the plugin comes back") {
    constexpr auto kTimeout = 100ms;
    constexpr auto kSlack = 10s;  // for a busy machine; a hang would be for ever
    Service service("faulty", merged(kEndlessRestarts,
                                     {{"supervision", {{"hang_grace_ms", 20}}}, {"limits", {{"payload", 65536}}}}));
    PluginFolder neighbour_folder("greeter");
    const Plugin neighbour = load(service.host(), neighbour_folder);
    CallOptions options;
    options.timeout = kTimeout;
    int violations = 0;
    for (int seed = 1; seed <= scaled(3000); ++seed) {
        CAPTURE(seed);
        const auto begin = std::chrono::steady_clock::now();
        const auto scribbled = service.plugin().call("scribble", std::to_string(seed), options);
        const auto echoed = service.plugin().call("echo", "x", options);
        CHECK(std::chrono::steady_clock::now() - begin < 2 * kTimeout + kSlack);
        for (const auto* outcome : {&scribbled, &echoed}) {
            const std::string text = summary(*outcome);
            CAPTURE(text);
            CAPTURE(sentence(*outcome));
            violations += text == "protocol_violation/unknown" ? 1 : 0;
            // An answer may be made of what was scribbled, and so may be its kind.
            const bool legal = outcome->has_value() || text == "protocol_violation/unknown" ||
                               text == "crashed/unknown" || text == "plugin_failed/unknown" ||
                               text == "too_large/unknown" || text.starts_with("timed_out/");
            CHECK(legal);
        }
    }
    CHECK(violations > 0);
    CHECK(service.serves_again());
    CHECK(summary(neighbour.call("greet", "you")) == "ok: Hello, you!");
    CHECK(neighbour.stats().deaths == 0);
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("a worker that saturates what it calls the host with stops neither the host nor the other plugins") {
    TwoPlugins plugins;
    REQUIRE(summary(plugins.liar().call("saturate_pipes", "")) == "ok: 1");
    Collector<std::string> outcomes;
    CallOptions options;
    options.timeout = 2s;
    plugins.liar().async_call("echo", "x", options,
                              [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    plugins.neighbour.async_call("greet", "you", options,
                                 [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
    REQUIRE(outcomes.await_count(2));
    CHECK(plugins.neighbour.stats().succeeded == 1);
    plugins.check_that_all_is_well();
}

}  // namespace
}  // namespace bulkhead::tests
