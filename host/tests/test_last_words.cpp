#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "log_relay.hpp"
#include "support/random.hpp"

namespace bulkhead::detail {
namespace {

using transport::testing::Random;

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kKept = 20;

// Everything the hook is told, once run() was called.
struct Ear {
    boost::asio::io_context context;
    std::vector<LogLine> heard;
    LogRelay relay{"resizer", [this](const LogLine& line) { heard.push_back(line); }, context.get_executor()};

    std::vector<std::string> texts() {
        context.restart();
        context.run();
        std::vector<std::string> all;
        for (const LogLine& line : heard) {
            all.push_back(line.text);
        }
        return all;
    }
};

std::vector<std::string> lines_of(const std::vector<std::string>& pieces) {
    Ear ear;
    LastWords words;
    for (const std::string& piece : pieces) {
        words.output(piece, ear.relay);
    }
    words.end_of_output(ear.relay);
    return ear.texts();
}

TEST_CASE("output becomes lines of the plugin, without their ends") {
    Ear ear;
    LastWords words;
    words.output("one\n\ntwo\nthr", ear.relay);
    CHECK(ear.texts() == std::vector<std::string>{"one", "", "two"});
    words.output("ee\n", ear.relay);
    CHECK(ear.texts().back() == "three");
    for (const LogLine& line : ear.heard) {
        CHECK(line.plugin == "resizer");
        CHECK(line.source == LogSource::output);
        CHECK(line.level == LogLevel::info);
        CHECK(line.dropped_before == 0);
    }
}

TEST_CASE("what is left when the writer is gone is a line, and nothing left is none") {
    CHECK(lines_of({"half a li", "ne"}) == std::vector<std::string>{"half a line"});
    CHECK(lines_of({"whole\n"}) == std::vector<std::string>{"whole"});
    CHECK(lines_of({}).empty());
}

TEST_CASE("a long line is cut into pieces of 4 KiB, with no empty one behind them") {
    for (const std::size_t size : {kLongestLine - 1, kLongestLine, kLongestLine + 1, 2 * kLongestLine, 10'000UL}) {
        CAPTURE(size);
        const std::vector<std::string> lines = lines_of({std::string(size, 'x') + "\nnext\n"});
        CHECK(lines.size() == (size + kLongestLine - 1) / kLongestLine + 1);
        std::string together;
        for (const std::string& line : lines) {
            CHECK(line.size() <= kLongestLine);
            together += line;
        }
        CHECK(together == std::string(size, 'x') + "next");
    }
}

TEST_CASE("lines are the same wherever the output was cut") {
    const std::uint64_t seed = transport::testing::choose_seed();
    CAPTURE(seed);
    Random random(seed);
    const std::size_t telling_sizes[] = {
        0, 1, 2, 80, kLongestLine - 1, kLongestLine, kLongestLine + 1, 2 * kLongestLine};
    for (int round = 0; round < 200; ++round) {
        std::string output;
        for (std::uint64_t line = random.below(8); line > 0; --line) {
            output += std::string(telling_sizes[random.below(std::size(telling_sizes))],
                                  static_cast<char>('a' + random.below(26)));
            output += '\n';
        }
        std::vector<std::string> pieces;
        for (std::string rest = output; !rest.empty();) {
            const std::size_t size = random.chance(50) ? random.between(1, 10) : random.between(1, 5000);
            pieces.push_back(rest.substr(0, size));
            rest.erase(0, size);
        }
        CHECK(lines_of(pieces) == lines_of({output}));
    }
}

TEST_CASE("cuts right before and right behind a line's end change nothing") {
    const std::string full(kLongestLine, 'f');
    const std::vector<std::string> expected = {full, "next"};
    CHECK(lines_of({full + "\nnext\n"}) == expected);
    CHECK(lines_of({full, "\nnext\n"}) == expected);
    CHECK(lines_of({full + "\n", "next\n"}) == expected);
    CHECK(lines_of({full, "\n", "next", "\n"}) == expected);
}

TEST_CASE("what a plugin prints can be shown on a terminal, in the log and in the report") {
    Ear ear;
    LastWords words;
    words.output(
        "\x1b]0;owned\a\tall \xc3\xa4 \xc2\x9b"
        "2J\xff\r\n",
        ear.relay);
    const std::vector<std::string> expected = {" ]0;owned \tall \xc3\xa4  2J  "};
    CHECK(words.lines() == expected);
    CHECK(ear.texts() == expected);
}

TEST_CASE("the last twenty lines are kept for the report, printed and logged alike") {
    Ear ear;
    LastWords words;
    for (int line = 0; line < 30; ++line) {
        words.output("printed " + std::to_string(line) + "\n", ear.relay);
        words.logged(LogLevel::warning, "logged " + std::to_string(line), ear.relay);
    }
    words.output("no end", ear.relay);
    const std::vector<std::string> kept = words.lines();
    REQUIRE(kept.size() == kKept);
    CHECK(kept.front() == "printed 20");
    CHECK(kept.back() == "logged 29");
    ear.texts();
    CHECK(ear.heard.at(1).source == LogSource::plugin);
    CHECK(ear.heard.at(1).level == LogLevel::warning);
}

TEST_CASE("without a hook the last lines are kept all the same") {
    boost::asio::io_context context;
    LogRelay deaf("resizer", {}, context.get_executor());
    LastWords words;
    words.output("into the void\n", deaf);
    CHECK(words.lines() == std::vector<std::string>{"into the void"});
    CHECK(context.poll() == 0);
    CHECK(deaf.dropped() == 0);
}

}  // namespace
}  // namespace bulkhead::detail
