// A plugin under test behaves the same in-process and in the sandbox.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <string>
#include <vector>

#include "bulkhead/plugin/testing.hpp"

using namespace bulkhead::plugin::testing;
using namespace std::chrono_literals;

namespace {

Setup setup_for(Mode mode, std::string config = {}) { return {mode, std::move(config), BULKHEAD_WORKER_EXECUTABLE}; }

// The faulty example: it does on request what a test wants to see.
struct BothModes {
    template <typename Test>
    void run(Test test) {
        for (const Mode mode : {Mode::in_process, Mode::sandbox}) {
            CAPTURE(static_cast<int>(mode));
            PluginUnderTest plugin(BULKHEAD_FAULTY_PLUGIN, setup_for(mode));
            CHECK(plugin.mode() == mode);
            test(plugin);
        }
    }
};

std::string refusal(const std::string& folder, const Setup& setup) {
    try {
        const PluginUnderTest plugin(folder, setup);
        return "it started";
    } catch (const StartFailure& failure) {
        return failure.what();
    }
}

}  // namespace

TEST_CASE_FIXTURE(BothModes, "replies and errors arrive as the plugin made them") {
    run([](PluginUnderTest& plugin) {
        CHECK(plugin.call("echo", "hello").kind == Answer::Kind::reply);
        CHECK(plugin.call("echo", "hello").text == "hello");
        const std::string large(1'000'000, 'l');
        CHECK(plugin.call("echo_in_place", large).text == large);
        const Answer failed = plugin.call("fail", "-5 out of order");
        CHECK(failed.kind == Answer::Kind::error);
        CHECK(failed.number == -5);
        CHECK(failed.text == "out of order");
        CHECK(plugin.call("fail", "7").text.empty());
        CHECK(plugin.call("throw", "on purpose").text == "on purpose");
    });
}

TEST_CASE_FIXTURE(BothModes, "an unknown method, a payload over the limit and a missed deadline are told apart") {
    run([](PluginUnderTest& plugin) {
        CHECK(plugin.call("dance").kind == Answer::Kind::no_such_method);
        CHECK(plugin.call("too_big", std::to_string((16 << 20) + 1)).kind == Answer::Kind::too_large);
        CHECK(plugin.call("echo", std::string((16 << 20) + 1, 'x')).kind == Answer::Kind::too_large);
        CHECK(plugin.call("never_answer", "", {.timeout = 30ms}).kind == Answer::Kind::timed_out);
    });
}

TEST_CASE_FIXTURE(BothModes, "answers may come later, and each finds its call") {
    run([](PluginUnderTest& plugin) {
        std::vector<PendingAnswer> answers;
        for (int i = 0; i < 50; ++i) {
            answers.push_back(plugin.start("answer_later", std::to_string(i)));
        }
        for (std::size_t i = 0; i < answers.size(); ++i) {
            CHECK(answers[i].wait().text == std::to_string(i));
            CHECK(answers[i].answered());
        }
        CHECK(answers[0].wait().text == "0");
    });
}

TEST_CASE_FIXTURE(BothModes, "a call that the test gives up ends as cancelled, one that was answered does not") {
    run([](PluginUnderTest& plugin) {
        const PendingAnswer waiting = plugin.start("never_answer");
        CHECK_FALSE(waiting.answered());
        waiting.cancel();
        CHECK(waiting.wait().kind == Answer::Kind::cancelled);
        const PendingAnswer done = plugin.start("echo", "x");
        CHECK(done.wait().text == "x");
        done.cancel();
        CHECK(done.wait().text == "x");
    });
}

TEST_CASE_FIXTURE(BothModes, "what the plugin logs is seen") {
    run([](PluginUnderTest& plugin) {
        plugin.call("log", "warning the paper is low");
        REQUIRE(plugin.logged("paper is low"));
        const auto lines = plugin.log();
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].level == BULKHEAD_LOG_WARNING);
        CHECK(lines[0].text == "the paper is low");
    });
}

TEST_CASE("an answer that is still open when its plugin ends is an answer all the same") {
    for (const Mode mode : {Mode::in_process, Mode::sandbox}) {
        CAPTURE(static_cast<int>(mode));
        std::optional<PluginUnderTest> plugin(std::in_place, BULKHEAD_FAULTY_PLUGIN, setup_for(mode));
        const PendingAnswer open = plugin->start("never_answer");
        plugin.reset();
        CHECK(open.wait().kind != Answer::Kind::reply);
        open.cancel();
    }
}

TEST_CASE("a test may give the plugin another config, and one that it refuses is a failure to start, with its reason") {
    for (const Mode mode : {Mode::in_process, Mode::sandbox}) {
        CAPTURE(static_cast<int>(mode));
        CHECK(refusal(BULKHEAD_FAULTY_PLUGIN, setup_for(mode, R"({"start": "none"})")) == "it started");
        const std::string failed = refusal(BULKHEAD_FAULTY_PLUGIN, setup_for(mode, R"({"start": "fail"})"));
        CHECK_MESSAGE(failed.find("told to fail at start") != std::string::npos, failed);
        const std::string missing = refusal("/nowhere", setup_for(mode));
        CHECK_MESSAGE(missing.find("/nowhere") != std::string::npos, missing);
    }
}

TEST_CASE("a plugin that fails to activate does not start, and says why") {
    for (const Mode mode : {Mode::in_process, Mode::sandbox}) {
        CAPTURE(static_cast<int>(mode));
        std::string sentence = "it started";
        try {
            const PluginUnderTest plugin(BULKHEAD_FAULTY_PLUGIN, setup_for(mode, R"({"activate": "fail"})"));
        } catch (const StartFailure& failure) {
            sentence = failure.what();
        }
        CHECK_MESSAGE(sentence.find("told to fail at activate") != std::string::npos, sentence);
    }
}

TEST_CASE("in the sandbox a crash is an answer, and the next call is served") {
    PluginUnderTest plugin(BULKHEAD_FAULTY_PLUGIN, setup_for(Mode::sandbox));
    const Answer answer = plugin.call("segfault");
    CHECK(answer.kind == Answer::Kind::crashed);
    CHECK_MESSAGE(answer.text.find("SIGSEGV") != std::string::npos, answer.text);
    CHECK(plugin.call("echo", "back again").text == "back again");
}

TEST_CASE("the mode and the folder come from the environment") {
    ::unsetenv("BULKHEAD_TEST_MODE");
    CHECK(mode_from_environment() == Mode::in_process);
    ::setenv("BULKHEAD_TEST_MODE", "sandbox", 1);
    CHECK(mode_from_environment() == Mode::sandbox);
    ::setenv("BULKHEAD_TEST_MODE", "in-process", 1);
    CHECK(mode_from_environment() == Mode::in_process);
    ::setenv("BULKHEAD_TEST_PLUGIN", BULKHEAD_FAULTY_PLUGIN, 1);
    CHECK(PluginUnderTest().call("echo", "found").text == "found");

    ::setenv("BULKHEAD_TEST_MODE", "outside", 1);
    CHECK_THROWS_WITH_AS(mode_from_environment(), "BULKHEAD_TEST_MODE is \"outside\"; it can be in-process or sandbox",
                         std::invalid_argument);
    ::unsetenv("BULKHEAD_TEST_MODE");
    ::unsetenv("BULKHEAD_TEST_PLUGIN");
    CHECK_THROWS_AS(folder_from_environment(), std::invalid_argument);
}

TEST_CASE("a plugin without state says so when a test wants it saved or loaded") {
    const auto failure_of = [](Mode mode) -> std::string {
        PluginUnderTest plugin(BULKHEAD_FAULTY_PLUGIN, setup_for(mode));
        try {
            plugin.save();
        } catch (const SaveFailure& failure) {
            return failure.what();
        }
        return "it saved";
    };
    CHECK(failure_of(Mode::in_process) == "the plugin has no state");
    CHECK(failure_of(Mode::sandbox) == "a state can be saved in-process only; here the host takes checkpoints itself");
    Setup setup = setup_for(Mode::in_process);
    setup.state = SavedState{1, "x"};
    CHECK(refusal(BULKHEAD_FAULTY_PLUGIN, setup) == "the plugin has no state");
}
