#include "worker_statements.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "support/guarded_outbox.hpp"

namespace bulkhead::detail {
namespace {

using testing::GuardedOutbox;

void name_method(GuardedOutbox& outbox, std::uint32_t index, std::string_view name, std::uint32_t flags = 0) {
    transport::MethodRecord& record = outbox.worker().methods()[index];
    std::memset(record.name, 0, sizeof record.name);
    std::memcpy(record.name, name.data(), std::min(name.size(), sizeof record.name));
    record.flags = flags;
}

struct Log {
    LogRingReader reader;
    std::vector<std::pair<LogLevel, std::string>> lines;
    std::uint64_t lost = 0;
    std::uint64_t lost_before_last = 0;  // what was lost by the time of the last line

    void read(const GuardedOutbox& outbox) {
        lines.clear();
        lost = lost_before_last = 0;
        const auto on_line = [this](LogLevel level, std::string_view text) {
            lines.emplace_back(level, text);
            lost_before_last = lost;
        };
        const auto on_lost = [this](std::uint64_t count) { lost += count; };
        reader.read(outbox.view(), outbox.geometry().log_slots, on_lost, on_line);
    }
};

TEST_CASE("plain text ends at the first zero and has blanks for control characters") {
    CHECK(plain_text("") == "");
    CHECK(plain_text("as it is: \xc3\xa4 ~") == "as it is: \xc3\xa4 ~");
    CHECK(plain_text(std::string_view("one\0two", 7)) == "one");
    CHECK(plain_text("a\nb\tc\x1b[31m\x7f!") == "a b c [31m !");
    CHECK(plain_text("\xc2\x9b"
                     "2J \xff") == " 2J  ");
}

TEST_CASE("a failure text is as long as its header says, and never longer than its place") {
    GuardedOutbox outbox;
    CHECK(read_failure(outbox.view()).empty());
    outbox.worker().write_failure("its create function failed: \x1bno disk");
    CHECK(read_failure(outbox.view()) == "its create function failed:  no disk");
    std::memset(outbox.worker().header().failure, 'x', transport::kFailureCapacity);
    for (const std::uint32_t length : {1024U, 1025U, 4096U, UINT32_MAX}) {
        outbox.worker().header().failure_length = length;
        CHECK(read_failure(outbox.view()) == std::string(transport::kFailureCapacity, 'x'));
    }
}

TEST_CASE("methods come in the worker's order with the flags it gives them") {
    GuardedOutbox outbox;
    name_method(outbox, 0, "resize", 1);
    name_method(outbox, 1, "count", 2);
    outbox.worker().header().method_count = 2;
    std::string wrong;
    const auto methods = read_methods(outbox.view(), {}, wrong);
    CHECK(wrong.empty());
    REQUIRE(methods.size() == 2);
    CHECK(methods[0].name == "resize");
    CHECK(methods[0].idempotent);
    CHECK(methods[1].name == "count");
    CHECK_FALSE(methods[1].idempotent);
}

TEST_CASE("the manifest has the last word on what is idempotent") {
    GuardedOutbox outbox;
    name_method(outbox, 0, "resize", 1);
    name_method(outbox, 1, "count", 0);
    outbox.worker().header().method_count = 2;
    std::string wrong;
    const auto methods = read_methods(outbox.view(), {{"resize", false}, {"count", true}}, wrong);
    CHECK(wrong.empty());
    CHECK_FALSE(methods.at(0).idempotent);
    CHECK(methods.at(1).idempotent);
}

TEST_CASE("a method that only the manifest knows is named") {
    GuardedOutbox outbox;
    name_method(outbox, 0, "resize");
    outbox.worker().header().method_count = 1;
    std::string wrong;
    read_methods(outbox.view(), {{"resize", true}, {"rotate", true}}, wrong);
    CHECK(wrong == "it has no method 'rotate', which its manifest names");
}

TEST_CASE("more methods than there can be are not read") {
    GuardedOutbox outbox;
    for (const std::uint32_t count : {transport::kMaxMethods + 1, 1U << 20, UINT32_MAX}) {
        CAPTURE(count);
        outbox.worker().header().method_count = count;
        std::string wrong;
        CHECK(read_methods(outbox.view(), {}, wrong).empty());
        CHECK(wrong == "it described more than 256 methods");
    }
}

TEST_CASE("all methods that there can be are read") {
    GuardedOutbox outbox;
    for (std::uint32_t index = 0; index < transport::kMaxMethods; ++index) {
        name_method(outbox, index, "method" + std::to_string(index));
    }
    outbox.worker().header().method_count = transport::kMaxMethods;
    std::string wrong;
    const auto methods = read_methods(outbox.view(), {}, wrong);
    CHECK(wrong.empty());
    REQUIRE(methods.size() == transport::kMaxMethods);
    CHECK(methods.back().name == "method255");
}

TEST_CASE("a method name without its end is cut and one with control characters is made plain") {
    GuardedOutbox outbox;
    name_method(outbox, 0, std::string(200, 'm'), UINT32_MAX);
    name_method(outbox, 1, "a\nb");
    outbox.worker().header().method_count = 2;
    std::string wrong;
    const auto methods = read_methods(outbox.view(), {}, wrong);
    REQUIRE(methods.size() == 2);
    CHECK(methods[0].name == std::string(sizeof(transport::MethodRecord::name), 'm'));
    CHECK(methods[1].name == "a b");
}

TEST_CASE("a method without a name and one that is there twice are lies") {
    GuardedOutbox outbox;
    name_method(outbox, 0, "resize");
    name_method(outbox, 1, "");
    outbox.worker().header().method_count = 2;
    std::string wrong;
    read_methods(outbox.view(), {}, wrong);
    CHECK_FALSE(wrong.empty());
    name_method(outbox, 1, "resize");
    wrong.clear();
    read_methods(outbox.view(), {}, wrong);
    CHECK_FALSE(wrong.empty());
}

TEST_CASE("log lines are handed over once, in order, with their level") {
    GuardedOutbox outbox;
    Log log;
    log.read(outbox);
    CHECK(log.lines.empty());
    outbox.worker().write_log_line(0, "first");
    outbox.worker().write_log_line(3, "second");
    log.read(outbox);
    CHECK(log.lost == 0);
    REQUIRE(log.lines.size() == 2);
    CHECK(log.lines[0] == std::pair(LogLevel::debug, std::string("first")));
    CHECK(log.lines[1] == std::pair(LogLevel::error, std::string("second")));
    log.read(outbox);
    CHECK(log.lines.empty());
}

TEST_CASE("lines that were overwritten are counted and the newest are read") {
    GuardedOutbox outbox;
    Log log;
    for (int line = 0; line < 20; ++line) {
        outbox.worker().write_log_line(1, "line " + std::to_string(line));
    }
    log.read(outbox);
    CHECK(log.lost == 12);
    REQUIRE(log.lines.size() == 8);
    CHECK(log.lines.front().second == "line 12");
    CHECK(log.lines.back().second == "line 19");
    CHECK(log.lost_before_last == 12);
}

TEST_CASE("a line that is just being written is lost and the ones around it are not") {
    GuardedOutbox outbox;
    Log log;
    for (const char* text : {"one", "two", "three"}) {
        outbox.worker().write_log_line(1, text);
    }
    outbox.log_slot(1).sequence.store(0);
    log.read(outbox);
    CHECK(log.lost == 1);
    REQUIRE(log.lines.size() == 2);
    CHECK(log.lines[1].second == "three");
}

TEST_CASE("a log line says no more than its place holds, at a level that there is") {
    GuardedOutbox outbox;
    Log log;
    outbox.worker().write_log_line(77, std::string(1000, 'l'));
    outbox.worker().write_log_line(UINT32_MAX, "a\r\nb");
    outbox.log_slot(0).length = UINT32_MAX;
    log.read(outbox);
    REQUIRE(log.lines.size() == 2);
    CHECK(log.lines[0] == std::pair(LogLevel::error, std::string(transport::kLogLineCapacity, 'l')));
    CHECK(log.lines[1] == std::pair(LogLevel::error, std::string("a  b")));
}

TEST_CASE("a log head that jumps costs no more than a full ring, and one that goes back nothing") {
    GuardedOutbox outbox;
    Log log;
    outbox.worker().write_log_line(1, "true");
    log.read(outbox);
    for (const std::uint64_t head : {std::uint64_t{1} << 40, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        CAPTURE(head);
        outbox.worker().header().log_head.store(head);
        log.read(outbox);
        CHECK(log.lines.empty());
        CHECK(log.lost > 0);
    }
    outbox.worker().header().log_head.store(3);
    log.read(outbox);
    CHECK(log.lines.empty());
    CHECK(log.lost == 0);
}

}  // namespace
}  // namespace bulkhead::detail
