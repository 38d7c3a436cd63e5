#include "bounded_json.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <string>

namespace bulkhead::detail {
namespace {

std::string nested(int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

std::string objects(std::size_t count) {
    std::string text = "[{}";
    for (std::size_t index = 1; index < count; ++index) {
        text += ",{}";
    }
    return text + "]";
}

// The least of three, because others use the machine too.
std::clock_t cost_of_parsing(const std::string& text) {
    std::clock_t least = 0;
    for (int time = 0; time < 3; ++time) {
        std::string cause;
        const std::clock_t begin = std::clock();
        CHECK(parse_bounded_json(text, cause));
        const std::clock_t cost = std::clock() - begin;
        least = time == 0 ? cost : std::min(least, cost);
    }
    return least;
}

TEST_CASE("JSON is parsed as it is") {
    std::string cause;
    const auto value = parse_bounded_json(R"({"a": [1, -2, 3.5, null, true, "x\u00e9"]})", cause);
    REQUIRE(value);
    CHECK(*value == nlohmann::json{{"a", {1, -2, 3.5, nullptr, true, "x\xc3\xa9"}}});
    CHECK(cause.empty());
}

TEST_CASE("a scalar is JSON too") {
    std::string cause;
    CHECK(parse_bounded_json("7", cause) == nlohmann::json(7));
    CHECK(parse_bounded_json("null", cause) == nlohmann::json(nullptr));
}

TEST_CASE("what is not JSON is refused with the place of the error and without the library's own prefix") {
    for (const char* text : {"", "{", "{\"a\":}", "[1,]", "nul", "1 2", "\"\xff\"", "[1e999]", "{'a': 1}"}) {
        CAPTURE(text);
        std::string cause;
        CHECK_FALSE(parse_bounded_json(text, cause));
        CHECK_FALSE(cause.empty());
        CHECK(cause.find("json.exception") == std::string::npos);
    }
}

TEST_CASE("the deepest allowed nesting is parsed and one level more is refused") {
    std::string cause;
    CHECK(parse_bounded_json(nested(kMaxJsonDepth), cause));
    CHECK_FALSE(parse_bounded_json(nested(kMaxJsonDepth + 1), cause));
    CHECK(cause == "it nests deeper than 64 levels");
}

TEST_CASE("objects and arrays count for the depth alike") {
    std::string text = "0";
    for (int level = 0; level < kMaxJsonDepth; ++level) {
        const bool in_array = level % 2 == 0;
        text.insert(0, in_array ? "[" : R"({"k":)");
        text.append(in_array ? "]" : "}");
    }
    std::string cause;
    CHECK(parse_bounded_json(text, cause));
    CHECK_FALSE(parse_bounded_json("[" + text + "]", cause));
}

TEST_CASE("a million levels cost neither the stack nor the memory of what they would make") {
    std::string cause;
    CHECK_FALSE(parse_bounded_json(nested(1'000'000), cause));
    CHECK(cause == "it nests deeper than 64 levels");
    CHECK_FALSE(parse_bounded_json(std::string(1'000'000, '['), cause));
}

TEST_CASE("brackets in strings, behind escapes too, are text and count for no depth") {
    const std::string brackets = R"(\\\"[{)" + std::string(100, '[') + R"(\\)";
    std::string cause;
    const auto value = parse_bounded_json("[\"" + brackets + "\", {\"" + brackets + "\": 1}]", cause);
    REQUIRE_MESSAGE(value, cause);
    CHECK(value->at(0) == "\\\"[{" + std::string(100, '[') + "\\");
    CHECK_FALSE(parse_bounded_json("[\"\\\\\", " + nested(kMaxJsonDepth) + "]", cause));
    CHECK(cause == "it nests deeper than 64 levels");
}

TEST_CASE("four times as many objects side by side cost about four times as much") {
    constexpr std::size_t kCount = 20'000;
    CHECK(cost_of_parsing(objects(4 * kCount)) < 10 * cost_of_parsing(objects(kCount)));
}

}  // namespace
}  // namespace bulkhead::detail
