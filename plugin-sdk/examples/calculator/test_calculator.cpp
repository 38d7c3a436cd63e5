// Each release of the calculator calculates as its number says; compiled for one with CALCULATOR_RELEASE.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <bulkhead/plugin/testing.hpp>

#include <string>

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::PluginUnderTest;

namespace {
constexpr int kFactor = CALCULATOR_RELEASE + 1;
}

TEST_CASE("release 1 doubles, release 2 triples") {
    PluginUnderTest calculator;
    for (const int number : {0, 1, -7, 21, 700000000}) {
        CHECK(calculator.call("calculate", std::to_string(number)).text == std::to_string(number * kFactor));
    }
}

TEST_CASE("a product that does not fit into an int is an error") {
    PluginUnderTest calculator;
    const Answer answer = calculator.call("calculate", "-2000000000");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.text == "-2000000000 times " + std::to_string(kFactor) + " does not fit into an int");
}

TEST_CASE("what is no number is refused in one sentence") {
    PluginUnderTest calculator;
    CHECK(calculator.call("calculate", R"("six")").text == "the request must be a number, not a string");
    CHECK(calculator.call("calculate", "six").text.starts_with("the request is not JSON: "));
}
