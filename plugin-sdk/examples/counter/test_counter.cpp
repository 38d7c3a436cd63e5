// The counter counts, from where its config says or a former life stopped.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <bulkhead/plugin/testing.hpp>

#include <string>

using namespace bulkhead::plugin::testing;

TEST_CASE("increment counts by one, or by what it is told, and get says where it is") {
    PluginUnderTest counter;
    CHECK(counter.call("get").text == "0");
    CHECK(counter.call("increment", "{}").text == "1");
    CHECK(counter.call("increment", R"({"by": 10})").text == "11");
    CHECK(counter.call("increment", R"({"by": -1})").text == "10");
    CHECK(counter.call("get").text == "10");
}

TEST_CASE("the config says where it starts, in each first life anew") {
    const Setup setup{.config = R"({"start": 40})"};
    for (int life = 0; life < 2; ++life) {
        PluginUnderTest counter(setup);
        CHECK(counter.logged("counting from 40"));
        CHECK(counter.call("increment", "{}").text == "41");
    }
}

TEST_CASE("a config of a wrong type refuses the start and names the field") {
    std::string sentence = "it started";
    try {
        const PluginUnderTest counter(Setup{.config = R"({"start": "zero"})"});
    } catch (const StartFailure& failure) {
        sentence = failure.what();
    }
    CHECK_MESSAGE(sentence.find("config.start must be a number, not a string") != std::string::npos, sentence);
}

TEST_CASE("a wrong request or an overflow leaves the count alone") {
    PluginUnderTest counter(Setup{.config = R"({"start": 9223372036854775807})"});
    CHECK(counter.call("increment", R"({"by": "two"})").text == "by must be a number, not a string");
    const Answer answer = counter.call("increment", "{}");
    CHECK(answer.kind == Answer::Kind::error);
    CHECK(answer.text == "the count does not fit into 64 bits");
    CHECK(counter.call("get").text == "9223372036854775807");
}

TEST_CASE("the count goes on in the next life, whatever the config says") {
    if (mode_from_environment() == Mode::sandbox) {
        return;  // there the host takes the checkpoints
    }
    Setup setup;
    for (const char* count : {"1", "2", "3"}) {
        PluginUnderTest counter(setup);
        CHECK(counter.call("increment", "{}").text == count);
        setup = {.config = R"({"start": 40})", .state = counter.save()};
    }
    CHECK(setup.state->version == 1);
    PluginUnderTest counter(setup);
    CHECK(counter.logged("going on from 3"));
    CHECK(counter.save() == setup.state);
}

TEST_CASE("a state that cannot be a count refuses the start") {
    if (mode_from_environment() == Mode::sandbox) {
        return;
    }
    const auto refusal_of = [](const SavedState& state) -> std::string {
        try {
            const PluginUnderTest counter(Setup{.state = state});
        } catch (const StartFailure& failure) {
            return failure.what();
        }
        return "it started";
    };
    CHECK(refusal_of({1,
                      "\xA1\x65"
                      "count\x63"
                      "two"}) == "its load function failed with number 1: state.count must be a number, not a string");
    CHECK(refusal_of({2, "\xA0"}) ==
          "its load function failed with number 1: the state has version 2, this plugin understands version 1");
    CHECK(refusal_of({1, "\xA0"}) == "it started");
}
