// Help, version, and command lines that nobody can understand.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/command_line.hpp"
#include "support/places.hpp"

namespace bulkhead::tests {
namespace {

const std::vector<std::string> kCommands = {"call",    "run",    "inspect",    "new",    "check",
                                            "reports", "replay", "completion", "version"};

TEST_CASE("every command explains itself, with examples") {
    for (const std::string& command : kCommands) {
        CAPTURE(command);
        const Ran ran = bulkhead({command, "--help"});
        CHECK(ran.code == 0);
        CHECK(ran.err == "");
        CHECK(ran.out.find("Usage: bulkhead " + command) != std::string::npos);
        CHECK(ran.out.find("Examples:\n  ") != std::string::npos);
        CHECK(ran.out.find("bulkhead " + command) != std::string::npos);
    }
    Ran ran = bulkhead({"--help"});
    CHECK(ran.code == 0);
    std::replace(ran.out.begin(), ran.out.end(), '\n', ' ');
    for (const std::string& command : kCommands) {
        CHECK_MESSAGE(ran.out.find("  " + command) != std::string::npos, command);
    }
    for (int code = 0; code <= 6; ++code) {
        CHECK_MESSAGE(ran.out.find(" " + std::to_string(code) + " ") != std::string::npos, "exit code " << code);
    }
}

TEST_CASE("the version is told for people and for programs") {
    const Ran ran = bulkhead({"version"});
    CHECK(ran.code == 0);
    CHECK(ran.out.starts_with("bulkhead "));
    const auto json = bulkhead({"version", "--json"}).json();
    CHECK(ran.out == "bulkhead " + json["version"].get<std::string>() + ", plugin ABI 1\n");
    CHECK(json["plugin_abi"] == 1);
    CHECK(bulkhead({"--version"}).out == "bulkhead " + json["version"].get<std::string>() + "\n");
}

TEST_CASE("a command line that cannot be understood ends with 2, one sentence and the way to help") {
    const std::string greeter = built_plugin("greeter").string();
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"frobnicate"},
        {"call"},
        {"call", greeter},
        {"call", greeter, "greet", "--timeout", "5"},
        {"call", greeter, "greet", "--timeout", "-1s"},
        {"call", greeter, "greet", "--timeout", "nan s"},
        {"call", greeter, "greet", "--repeat", "0"},
        {"call", greeter, "greet", "--repeat", "many"},
        {"call", greeter, "greet", "x", "--file", "y"},
        {"call", greeter, "greet", "x", "y"},
        {"call", greeter, "greet", "--frob"},
        {"call", greeter, "greet", "--file"},
        {"run"},
        {"inspect"},
        {"inspect", greeter, "--color"},
        {"new"},
        {"new", "scaler", "--lang", "cobol"},
        {"check"},
        {"check", greeter, "--seed", "x"},
        {"check", greeter, "--budget", "10"},
        {"completion", "tcsh"},
        {"version", "please"},
    };
    for (const auto& arguments : wrong) {
        const Ran ran = bulkhead(arguments);
        CHECK(ran.code == 2);
        CHECK(ran.out == "");
        CHECK(ran.err.starts_with("bulkhead: "));
        CHECK_MESSAGE(ran.err.find(" --help`\n") != std::string::npos, ran.err);
        CHECK_MESSAGE(ran.err.find('\n') == ran.err.size() - 1, ran.err);
    }
}

TEST_CASE("no colours go where no terminal is") {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"inspect", built_plugin("greeter").string(), "--no-start"},
                                               {"check", built_plugin("greeter").string(), "--budget", "500ms"},
                                               {"--help"}}) {
        CHECK(bulkhead(arguments).out.find('\x1b') == std::string::npos);
    }
}

}  // namespace
}  // namespace bulkhead::tests
