// Shell completion, asked as bash asks.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "support/command_line.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

// What TAB offers after these words; the last is the one that is being typed. One line each.
std::string offered(const std::vector<std::string>& words, const std::filesystem::path& folder = {}) {
    std::string line;
    for (const std::string& word : words) {
        line += " '" + word + "'";
    }
    const std::string script =
        "set -u; source <(\"$0\" completion bash); COMP_WORDS=(" + line +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bulkhead; printf '%s\\n' \"${COMPREPLY[@]-}\"";
    const Ran ran = run_program("/bin/bash", {"--norc", "-c", script, bulkhead_program().string()}, {.folder = folder});
    CHECK(ran.err == "");
    CHECK(ran.code == 0);
    return ran.out;
}

TEST_CASE("TAB completes commands, options and their values") {
    CHECK(offered({"bulkhead", "c"}) == "call\ncheck\ncompletion\n");
    CHECK(offered({"bulkhead", "ins"}) == "inspect\n");
    CHECK(offered({"bulkhead", "--v"}) == "--version\n");
    CHECK(offered({"bulkhead", "call", "--t"}) == "--timeout\n");
    CHECK(offered({"bulkhead", "check", "some", "--se"}) == "--seed\n");
    CHECK(offered({"bulkhead", "new", "scaler", "--lang", ""}) == "c\ncpp\nrust\n");
    CHECK(offered({"bulkhead", "new", "scaler", "--lang", "r"}) == "rust\n");
    CHECK(offered({"bulkhead", "completion", ""}) == "bash\n");
}

TEST_CASE("TAB completes files where a plugin or a file belongs, and nothing where a number does") {
    const ScratchFolder scratch;
    std::filesystem::create_directory(scratch.path() / "my plugin");
    std::ofstream(scratch.path() / "my file") << "x";
    CHECK(offered({"bulkhead", "run", "my p"}, scratch.path()) == "my plugin\n");
    CHECK(offered({"bulkhead", "call", "p", "m", "--file", "my f"}, scratch.path()) == "my file\n");
    CHECK(offered({"bulkhead", "new", "scaler", "--in", "my"}, scratch.path()) == "my plugin\n");
    CHECK(offered({"bulkhead", "check", "p", "--seed", ""}, scratch.path()) == "\n");
}

TEST_CASE("every option that a command has is offered") {
    for (const char* command : {"call", "run", "inspect", "new", "check", "reports", "replay", "version"}) {
        const std::string help = bulkhead({command, "--help"}).out;
        const std::string options = offered({"bulkhead", command, "--"});
        const std::size_t begin = help.find("Options:");
        const std::size_t end = help.find("\n\n", begin);
        for (std::size_t at = begin; (at = help.find("\n  --", at)) < end; ++at) {
            const std::string option = help.substr(at + 3, help.find_first_of(" =\n", at + 3) - at - 3);
            CHECK_MESSAGE(options.find(option + "\n") != std::string::npos, command << " " << option);
        }
    }
}

}  // namespace
}  // namespace bulkhead::tests
