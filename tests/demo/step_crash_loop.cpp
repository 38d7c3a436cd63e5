// Step: a plugin that only crashes is given up, and says so.
#include <string>

#include "common/wording.hpp"
#include "stage.hpp"
#include "support/plugin_folder.hpp"

namespace bulkhead::demo {
namespace {

constexpr char kName[] = "hopeless";
constexpr unsigned kPatience = 50;  // calls

// Crashes it until it is given up, by another request each time: one that kills twice would be refused by itself. What
// a call is told then; empty: it is started for ever.
std::optional<Error> crash_until_given_up(const Plugin& plugin) {
    CallOptions patient;
    patient.when_unavailable = WhenUnavailable::wait;  // for the next start, which is put off longer each time
    for (unsigned call = 0; call < kPatience && plugin.status().state != PluginState::fatal; ++call) {
        static_cast<void>(plugin.call("segfault", std::to_string(call), patient));
    }
    const auto outcome = plugin.call("echo", "still there?");
    return outcome ? std::nullopt : std::optional(outcome.error());
}

bool neighbours_answer(Stage& stage) {
    const auto greeting = tallied(
        stage.greeter_calls, [&] { return stage.greeter->call("greet", "Alan"); },
        [](const Bytes& reply) { return reply.text() == "Hello, Alan!"; });
    const auto sum = tallied(
        stage.checksum_calls, [&] { return stage.checksum->call("checksum", "a"); },
        [](const Bytes& reply) { return reply.text() == std::string_view("a\0\0\0", 4); });
    const auto echo = tallied(
        stage.faulty_calls, [&] { return stage.faulty->call("echo", "still there?"); },
        [](const Bytes& reply) { return reply.text() == "still there?"; });
    return greeting && greeting->text() == "Hello, Alan!" && sum && echo;
}

}  // namespace

void end_a_crash_loop(Stage& stage) {
    stage.screen.step("End a crash loop");
    const auto plugin = [&] {
        const tests::PluginFolder copy("faulty", {{"name", kName}});
        return stage.host->load(copy.path());
    }();
    if (!plugin) {
        stage.screen.check(false, plugin.error().message);
        return;
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto given_up = crash_until_given_up(*plugin);
    const auto time = std::chrono::steady_clock::now() - begin;
    const Stats stats = plugin->stats();
    stage.screen.line("the same plugin with the default limit, 5 restarts in 10 s: " + std::to_string(stats.deaths) +
                      " deaths in " + duration_text(time));
    stage.screen.check(given_up && given_up->code == ErrorCode::unavailable && stats.deaths == 6 && stats.restarts == 5,
                       "it is not started for ever; calls say why:");
    stage.screen.quote(given_up ? given_up->message : "it is started for ever");

    const auto asked = std::chrono::steady_clock::now();
    const auto outcome = plugin->call("echo", "still there?");
    stage.screen.check(
        !outcome && outcome.error().code == ErrorCode::unavailable && outcome.error().effect == Effect::none &&
            plugin->stats().in_flight == 0,
        "the next call is answered at once, in " + duration_text(std::chrono::steady_clock::now() - asked));
    stage.screen.check(neighbours_answer(stage), "the other plugins answer as before");
}

}  // namespace bulkhead::demo
