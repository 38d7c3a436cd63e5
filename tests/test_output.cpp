// What plugins print and log reaches the server's hook, bounded.
#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("lines of stdout and stderr arrive with the plugin's name, each once and in order") {
    Service service;
    for (int line = 0; line < 100; ++line) {
        REQUIRE(service.plugin().call("print", "line " + std::to_string(line)).has_value());
    }
    REQUIRE(service.log().await_count(200));
    std::vector<std::string> expected;
    for (int line = 0; line < 100; ++line) {
        expected.insert(expected.end(), 2, "line " + std::to_string(line));
    }
    CHECK(service.log().texts(LogSource::output) == expected);
    for (const LogLine& line : service.log().all()) {
        CHECK(line.plugin == "faulty");
        CHECK(line.dropped_before == 0);
    }
}

TEST_CASE("empty lines, long lines and lines of exactly the limit arrive whole") {
    Service service;
    constexpr std::size_t kLongest = 4096;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, kLongest - 1, kLongest, kLongest + 1, 3 * kLongest}) {
        CAPTURE(size);
        const std::size_t before = service.log().all().size();
        REQUIRE(service.plugin().call("print", std::string(size, 'x')).has_value());
        REQUIRE(service.plugin().call("print", "end").has_value());
        REQUIRE(service.log().await([before](const std::vector<LogLine>& lines) {
            return std::count_if(lines.begin() + static_cast<std::ptrdiff_t>(before), lines.end(),
                                 [](const LogLine& line) { return line.text == "end"; }) == 2;
        }));
        const auto lines = service.log().all();
        std::size_t bytes = 0;
        std::size_t count = 0;
        for (std::size_t index = before; index < lines.size(); ++index) {
            CHECK(lines[index].text.size() <= kLongest);
            if (lines[index].text != "end") {
                bytes += lines[index].text.size();
                ++count;
            }
        }
        CHECK(bytes == 2 * size);
        CHECK(count == 2 * std::max<std::size_t>(1, (size + kLongest - 1) / kLongest));
    }
}

TEST_CASE("lines of the log service arrive with their level") {
    Service service;
    const std::vector<std::pair<std::string, LogLevel>> levels = {{"debug", LogLevel::debug},
                                                                  {"info", LogLevel::info},
                                                                  {"warning", LogLevel::warning},
                                                                  {"error", LogLevel::error}};
    for (const auto& [word, level] : levels) {
        REQUIRE(service.plugin().call("log", word + " a " + word).has_value());
    }
    REQUIRE(service.log().await_count(levels.size()));
    const auto lines = service.log().all();
    for (std::size_t index = 0; index < levels.size(); ++index) {
        CHECK(lines[index].source == LogSource::plugin);
        CHECK((lines[index].level == levels[index].second));
        CHECK(lines[index].text == "a " + levels[index].first);
        CHECK(lines[index].plugin == "faulty");
    }
    REQUIRE(service.plugin().call("log", "info " + std::string(1000, 'x')).has_value());
    REQUIRE(service.log().await_line(std::string(240, 'x')));  // cut
}

TEST_CASE("the last words before a crash arrive, and are in the report") {
    Service service;
    for (int turn = 0; turn < 20; ++turn) {
        const std::string words = "last words " + std::to_string(turn);
        REQUIRE(service.plugin().call("print", words).has_value());
        REQUIRE(service.plugin().call("log", "error logged " + words).has_value());
        const auto outcome = service.plugin().call("segfault", "");
        REQUIRE(outcome.has_error());
        REQUIRE(outcome.error().report);
        const auto& last = outcome.error().report->last_lines;
        CHECK(std::find(last.begin(), last.end(), words) != last.end());
        CHECK(std::find(last.begin(), last.end(), "logged " + words) != last.end());
        CHECK(service.log().await_line(words));
        CHECK(service.log().await_line("logged " + words));
        // Words of one life are not those of the next.
        for (const std::string& line : last) {
            CHECK_MESSAGE(contains(line, words), line);
        }
    }
}

TEST_CASE("the host tells of deaths in the log") {
    Service service;
    REQUIRE(service.plugin().call("segfault", "").has_error());
    REQUIRE(service.log().await([](const std::vector<LogLine>& lines) {
        return std::any_of(lines.begin(), lines.end(), [](const LogLine& line) {
            return line.source == LogSource::host && contains(line.text, "SIGSEGV") && line.level == LogLevel::error;
        });
    }));
}

// A hook that does not come back before it is let go.
struct SlowHook {
    void operator()(const LogLine& line) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return open; });
        lines.push_back(line);
        changed.notify_all();
    }
    void let_go() {
        const std::lock_guard lock(mutex);
        open = true;
        changed.notify_all();
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    std::vector<LogLine> lines;
};

TEST_CASE("a flood that the hook cannot take is bounded, dropped lines are counted, and calls go on") {
    constexpr std::uint64_t kLines = 50'000;
    SlowHook hook;
    HostOptions options = host_options();
    options.log = [&hook](const LogLine& line) { hook(line); };
    Host host = make_host(std::move(options));
    const PluginFolder folder("faulty");
    const Plugin plugin = load(host, folder);
    REQUIRE(plugin.call("flood", std::to_string(kLines)).has_value());
    CHECK(summary(plugin.call("echo", "x")) == "ok: x");
    // The queue holds 1024 lines, and the hook has one in its hands.
    constexpr std::uint64_t kKept = 1025;
    CHECK(eventually([&] { return plugin.stats().dropped_lines >= kLines - kKept; }));
    CHECK(summary(plugin.call("echo", "x")) == "ok: x");
    hook.let_go();
    CHECK(eventually([&] {
        const std::lock_guard lock(hook.mutex);
        return hook.lines.size() + plugin.stats().dropped_lines == kLines;
    }));
    // A line more, so that what was dropped before it can be told.
    REQUIRE(plugin.call("print", "the end").has_value());
    {
        std::unique_lock lock(hook.mutex);
        REQUIRE(hook.changed.wait_for(lock, kPatience, [&] {
            return std::count_if(hook.lines.begin(), hook.lines.end(),
                                 [](const LogLine& line) { return line.text == "the end"; }) == 2;
        }));
        std::uint64_t dropped = 0;
        for (const LogLine& line : hook.lines) {
            dropped += line.dropped_before;
        }
        CHECK(dropped == plugin.stats().dropped_lines);
        CHECK(hook.lines.size() + dropped == kLines + 2);
        CHECK(hook.lines.size() < 10'000);
    }
}

TEST_CASE("log lines that come faster than they are read are lost from the oldest, and counted") {
    Service service;
    for (int turn = 0; turn < 2000; ++turn) {
        service.plugin().async_call("log", "info turn " + std::to_string(turn), {}, [](const result<Bytes>&) {});
        if (turn % 50 == 49) {
            REQUIRE(service.plugin().call("echo", "x").has_value());
        }
    }
    REQUIRE(service.log().await_line("turn 1999"));
    const auto lines = service.log().all();
    std::uint64_t dropped = 0;
    for (const LogLine& line : lines) {
        dropped += line.dropped_before;
    }
    CHECK(lines.size() + dropped == 2000);
    CHECK(dropped == service.plugin().stats().dropped_lines);
}

TEST_CASE("a plugin that prints what is no text cannot break lines or forge names") {
    Service service;
    const std::string nasty("\x1b[2J\0\r\xff tail", 12);
    REQUIRE(service.plugin().call("print", nasty).has_value());
    REQUIRE(service.log().await_count(2));
    for (const LogLine& line : service.log().all()) {
        CHECK(line.plugin == "faulty");
        CHECK(contains(line.text, "tail"));
        CHECK_FALSE(contains(line.text, "\n"));
    }
}

}  // namespace
}  // namespace bulkhead::tests
