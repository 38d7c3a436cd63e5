#include "explanation_reader.hpp"

#include <doctest/doctest.h>

#include <string>

namespace bulkhead::detail {
namespace {

const std::vector<Module> kModules{{"libx.so", 0x1000, 0x9000, 0x2000, 0x3000, 0x400, ""}};

std::string answer_with(const std::string& frames) { return R"({"frames": [)" + frames + R"(], "note": "n"})"; }

TEST_CASE("a frame gets the module that its instruction lies in, and its place in that file") {
    Report report;
    // The return address is the first after the module.
    const std::string frame_text =
        R"j({"address": 36864, "lookup": 36863, "function": "f(int)", "file": "/src/f.cpp", "line": 7})j";
    REQUIRE(read_explanation(answer_with(frame_text), kModules, report));
    REQUIRE(report.backtrace.size() == 1);
    const Frame& frame = report.backtrace.front();
    CHECK(frame.address == 0x9000);
    CHECK(frame.module == "libx.so");
    CHECK(frame.offset == 0x8FFF - 0x400);
    CHECK(frame.function == "f(int)");
    CHECK(frame.file == "/src/f.cpp");
    CHECK(frame.line == 7);
    CHECK(report.backtrace_note == "n");
}

TEST_CASE("names from a library are shown and never more than that") {
    Report report;
    const std::string name(600, 'x');
    REQUIRE(read_explanation(answer_with(R"({"address": 1, "lookup": 1, "function": ")" + name +
                                         R"(", "file": "a\u0000\u001b[31m\n", "line": 0})"),
                             kModules, report));
    CHECK(report.backtrace.front().function.size() < 600);
    CHECK(report.backtrace.front().file == "a??[31m?");
    CHECK(report.backtrace.front().module == "");
}

TEST_CASE("an answer that is none leaves the report as it was") {
    const std::string good = R"({"address": 1, "lookup": 1, "function": "f", "file": "", "line": 0})";
    std::string many = good;
    for (int count = 0; count < 2000; ++count) {
        many += "," + good;
    }
    for (const std::string& answer :
         {std::string(), std::string("null"), std::string("[]"), std::string("{}"), std::string(R"({"frames": []})"),
          std::string(R"({"frames": {}, "note": ""})"), answer_with("1"), answer_with("{}"), answer_with(many),
          answer_with(good + R"(,{"address": -1, "lookup": 1, "function": "f", "file": "", "line": 0})"),
          answer_with(R"({"address": 1, "lookup": 1, "function": 3, "file": "", "line": 0})"),
          answer_with(R"({"address": 1, "lookup": 1, "function": "f", "file": "", "line": 4294967296})"),
          std::string(100'000, '[')}) {
        CAPTURE(answer.substr(0, 100));
        Report report;
        report.backtrace_note = "before";
        CHECK_FALSE(read_explanation(answer, kModules, report));
        CHECK(report.backtrace.empty());
        CHECK(report.backtrace_note == "before");
    }
}

}  // namespace
}  // namespace bulkhead::detail
