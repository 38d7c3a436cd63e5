// The greeter greets: the one in C++, and with the same test the one in Rust.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <bulkhead/plugin/testing.hpp>

#include <string>

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::PluginUnderTest;

TEST_CASE("the greeter answers with a greeting that nobody has to free") {
    PluginUnderTest greeter;
    CHECK(greeter.call("greet", "Ada").text == "Hello, Ada!");
    const std::string long_name(10'000, 'x');
    CHECK(greeter.call("greet", long_name).text == "Hello, " + long_name + "!");
}

TEST_CASE("a greeting without a name fails with number 1 and says why") {
    PluginUnderTest greeter;
    const Answer answer = greeter.call("greet", "");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.number == 1);
    CHECK(answer.text == "a greeting needs a name");
    CHECK(greeter.call("greet", "Bob").text == "Hello, Bob!");
}
