// The crate `bulkhead`: what a plugin in Rust can do, and that nothing it does wrong leaves it as a panic.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <bulkhead/plugin/testing.hpp>

#include <chrono>
#include <string>

using namespace bulkhead::plugin::testing;
using namespace std::chrono_literals;

namespace {

void check_error(const Answer& answer, std::int32_t number, const std::string& text) {
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.number == number);
    CHECK(answer.text == text);
}

std::string refusal(const std::string& config) {
    try {
        const PluginUnderTest plugin(Setup{.config = config});
        return "it started";
    } catch (const StartFailure& failure) {
        return failure.what();
    }
}

}  // namespace

TEST_CASE("a plugin in Rust gets its config, and is activated") {
    PluginUnderTest plugin;
    CHECK(plugin.logged("activated"));
    CHECK(plugin.call("config").text == R"({"motto":"slow and steady"})");
}

TEST_CASE("create may fail or panic, and says why") {
    const std::string failed = refusal(R"({"create":"fails"})");
    CHECK_MESSAGE(failed.find("number 7: told to fail") != std::string::npos, failed);
    const std::string panicked = refusal(R"({"create":"panics"})");
    CHECK_MESSAGE(panicked.find("panicked: told to panic in create") != std::string::npos, panicked);
}

TEST_CASE("errors reach the caller with number and text, those of the standard library with number 1") {
    PluginUnderTest plugin;
    CHECK(plugin.call("parse", "21").text == "42");
    check_error(plugin.call("parse", "x"), 1, "invalid digit found in string");
    check_error(plugin.call("parse", "\xFF"), 1, "the request is not UTF-8");
    check_error(plugin.call("fail"), -42, "h\xC3\xB6her geht es nicht");
}

TEST_CASE("a panic fails its call and the plugin goes on") {
    PluginUnderTest plugin;
    check_error(plugin.call("panic", "42"), 1, "panicked: no such shelf: 42");
    check_error(plugin.call("panic_owning"), 1, "panicked before it answered");
    CHECK(plugin.logged("panicked: while it owned the call"));
    CHECK(plugin.call("parse", "2").text == "4");
}

TEST_CASE("an answer that panics when its bytes are wanted fails its call, and one that does when it goes is logged") {
    PluginUnderTest plugin;
    check_error(plugin.call("perilous", "shown"), 1, "panicked: it has no bytes");
    CHECK(plugin.call("perilous", "dropped").text == "answered");
    CHECK(plugin.logged("panicked: it does not want to go"));
    CHECK(plugin.call("parse", "2").text == "4");
}

TEST_CASE("answers are built in place, given from other threads, and never forgotten") {
    PluginUnderTest plugin;
    for (const std::size_t size : {0, 1, 100, 100'000}) {
        const std::string text(size, 't');
        CHECK(plugin.call("in_place", text).text == text);
        CHECK(plugin.call("elsewhere", text).text == text);
    }
    check_error(plugin.call("too_large_in_place"), 1, "there is no room for an answer of 1073741824 bytes");
    check_error(plugin.call("drop_it"), 1, "dropped without an answer");
}

TEST_CASE("a call knows its deadline and its trace id, can log, and may be open when the plugin ends") {
    PluginUnderTest plugin;
    const auto facts =
        plugin.call("facts", "", {.timeout = 1000s, .trace_id = {{15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}}});
    CHECK_MESSAGE(facts.text.ends_with(" 9 false versatile-rust"), facts.text);
    CHECK(std::stoi(facts.text) <= 1000);
    CHECK(std::stoi(facts.text) > 800);
    CHECK(plugin.logged("asked for the facts"));
    plugin.start("keep");
}
