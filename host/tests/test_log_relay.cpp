#include "log_relay.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace bulkhead::detail {
namespace {

constexpr std::uint64_t kMostQueued = 1024;

void log(LogRelay& relay, const std::string& text) { relay.line(LogSource::plugin, LogLevel::info, text); }

TEST_CASE("a hook hears lines one after the other and in order, even on a pool of threads") {
    constexpr int kLines = 500;
    boost::asio::thread_pool pool(4);
    std::atomic<int> inside{0};
    bool overlapped = false;
    std::vector<std::string> heard;
    const LogHook hook = [&](const LogLine& line) {
        overlapped = overlapped || ++inside > 1;
        heard.push_back(line.text);
        --inside;
    };
    LogRelay relay("resizer", hook, pool.get_executor());
    std::vector<std::string> expected;
    for (int line = 0; line < kLines; ++line) {
        expected.push_back(std::to_string(line));
        log(relay, expected.back());
    }
    pool.join();
    CHECK_FALSE(overlapped);
    CHECK(heard == expected);
    CHECK(relay.dropped() == 0);
}

// A hook that stands still until it is let go.
struct SlowHook {
    std::promise<void> entered;
    std::promise<void> let_go;
    std::shared_future<void> may_go{let_go.get_future()};
    std::vector<LogLine> heard;

    LogHook hook() {
        return [this](const LogLine& line) {
            if (heard.empty()) {
                entered.set_value();
                may_go.wait();
            }
            heard.push_back(line);
        };
    }
};

TEST_CASE("a slow hook costs lines, which are counted, and nothing else") {
    boost::asio::thread_pool pool(2);
    SlowHook slow;
    LogRelay relay("resizer", slow.hook(), pool.get_executor());
    log(relay, "first");
    slow.entered.get_future().wait();
    for (std::uint64_t line = 0; line < kMostQueued + 100; ++line) {
        log(relay, std::to_string(line));  // returns at once
    }
    CHECK(relay.dropped() == 100);
    slow.let_go.set_value();
    pool.join();
    CHECK(slow.heard.size() == 1 + kMostQueued);
    CHECK(slow.heard.back().text == std::to_string(kMostQueued - 1));
}

TEST_CASE("the line after a gap tells how many are missing right before it") {
    boost::asio::io_context context;
    std::vector<LogLine> heard;
    LogRelay relay(
        "resizer", [&](const LogLine& line) { heard.push_back(line); }, context.get_executor());
    for (std::uint64_t line = 0; line < kMostQueued + 7; ++line) {
        log(relay, "before");
    }
    context.run();
    relay.lost(5);
    log(relay, "after");
    log(relay, "later");
    context.restart();
    context.run();
    REQUIRE(heard.size() == kMostQueued + 2);
    CHECK(heard[kMostQueued - 1].dropped_before == 0);
    CHECK(heard[kMostQueued].text == "after");
    CHECK(heard[kMostQueued].dropped_before == 12);
    CHECK(heard[kMostQueued + 1].dropped_before == 0);
    CHECK(relay.dropped() == 12);
}

TEST_CASE("no line is told twice or left out between many writers and a pool of threads") {
    constexpr int kWriters = 3;
    constexpr std::uint64_t kLines = 2000;
    boost::asio::thread_pool pool(2);
    std::uint64_t heard = 0;
    std::uint64_t missing = 0;
    const LogHook hook = [&](const LogLine& line) {
        ++heard;
        missing += line.dropped_before;
    };
    LogRelay relay("resizer", hook, pool.get_executor());
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
        writers.emplace_back([&] {
            for (std::uint64_t line = 0; line < kLines; ++line) {
                log(relay, "line");
            }
        });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    pool.join();
    CHECK(heard + relay.dropped() == kWriters * kLines);
    CHECK(missing <= relay.dropped());
}

TEST_CASE("a relay that is gone still delivers what it was given") {
    boost::asio::io_context context;
    std::vector<std::string> heard;
    {
        LogRelay relay(
            "resizer", [&](const LogLine& line) { heard.push_back(line.text); }, context.get_executor());
        log(relay, "goodbye");
    }
    context.run();
    CHECK(heard == std::vector<std::string>{"goodbye"});
}

TEST_CASE("a hook that throws loses its line, not the ones after it") {
    boost::asio::io_context context;
    std::vector<std::string> heard;
    const LogHook hook = [&](const LogLine& line) {
        if (line.text == "bad") {
            throw std::runtime_error("the disk is full");
        }
        heard.push_back(line.text);
    };
    LogRelay relay("resizer", hook, context.get_executor());
    for (const char* text : {"one", "bad", "two"}) {
        log(relay, text);
    }
    CHECK_NOTHROW(context.run());
    log(relay, "three");
    context.restart();
    CHECK_NOTHROW(context.run());
    CHECK(heard == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("an event loop that delivers lines has its turn, however fast the plugin prints") {
    boost::asio::io_context context;
    bool had_its_turn = false;
    int heard = 0;
    LogRelay* writing = nullptr;
    const LogHook hook = [&](const LogLine&) {
        if (++heard < 5000 && !had_its_turn) {
            log(*writing, "there is always one more line");
        }
    };
    LogRelay relay("resizer", hook, context.get_executor());
    writing = &relay;
    log(relay, "first");
    boost::asio::post(context, [&] { had_its_turn = true; });
    context.run();
    CHECK(had_its_turn);
    CHECK(heard < 5000);
}

}  // namespace
}  // namespace bulkhead::detail
