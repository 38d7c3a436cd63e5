#include <doctest/doctest.h>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "victim.hpp"

using bulkhead::plugin::testing::FakeLog;
using bulkhead::plugin::testing::FakeWorker;
using faulty::Victim;

TEST_CASE("print writes a line to stdout and one to stderr") {
    CHECK(Victim("print", "hello").wait().output == "hello\nhello\n");
}

TEST_CASE("flood writes as many lines as it is told") {
    CHECK(Victim("flood", "3").wait().output == "line 0\nline 1\nline 2\n");
}

TEST_CASE("log logs at the wanted level") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    FakeLog::take();
    worker.call("log", "debug one");
    worker.call("log", "info two words");
    worker.call("log", "warning");
    worker.call("log", "error four");
    const auto lines = FakeLog::take();
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].level == BULKHEAD_LOG_DEBUG);
    CHECK(lines[0].text == "one");
    CHECK(lines[1].level == BULKHEAD_LOG_INFO);
    CHECK(lines[1].text == "two words");
    CHECK(lines[2].level == BULKHEAD_LOG_WARNING);
    CHECK(lines[2].text.empty());
    CHECK(lines[3].level == BULKHEAD_LOG_ERROR);
    CHECK(worker.call("log", "shout it").text == "log knows no level \"shout\"");
}
