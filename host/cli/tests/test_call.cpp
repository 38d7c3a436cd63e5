// bulkhead call, as a user or a script runs it.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/command_line.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

const std::string kGreeter = built_plugin("greeter").string();
const std::string kFaulty = built_plugin("faulty").string();

TEST_CASE("a reply is printed as it is, and nothing else") {
    const Ran ran = bulkhead({"call", kGreeter, "greet", "Ada"});
    CHECK(ran.code == 0);
    CHECK(ran.out == "Hello, Ada!");
    CHECK(ran.err == "");
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        bytes += static_cast<char>(byte);
    }
    CHECK(bulkhead({"call", kFaulty, "echo", "-"}, {.input = bytes}).out == bytes);
}

TEST_CASE("a plugin is named by its folder, its manifest or a library alone") {
    for (const std::string& named :
         {kGreeter, kGreeter + "/", kGreeter + "/plugin.json", kGreeter + "/libgreeter.so"}) {
        CAPTURE(named);
        CHECK(bulkhead({"call", named, "greet", "you"}).out == "Hello, you!");
    }
    CHECK(bulkhead({"call", "libgreeter.so", "greet", "you"}, {.folder = kGreeter}).out == "Hello, you!");
    CHECK(bulkhead({"call", ".", "greet", "you"}, {.folder = kGreeter}).out == "Hello, you!");
}

TEST_CASE("the request comes as an argument, from a file or from standard input") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path() / "request").string();
    std::ofstream(file) << "from a file";
    CHECK(bulkhead({"call", kFaulty, "echo", "--file", file}).out == "from a file");
    CHECK(bulkhead({"call", kFaulty, "echo", "--file", "-"}, {.input = "from a pipe"}).out == "from a pipe");
    CHECK(bulkhead({"call", kFaulty, "echo", "-"}, {.input = "from a pipe"}).out == "from a pipe");
    CHECK(bulkhead({"call", kFaulty, "echo", "-"}).out == "");
    CHECK(bulkhead({"call", kFaulty, "echo"}).out == "");
    CHECK(bulkhead({"call", kFaulty, "echo", "{\"a\": [1, 2]}"}).out == "{\"a\": [1, 2]}");
    CHECK(bulkhead({"call", kFaulty, "echo", "-5"}).out == "-5");
    CHECK(bulkhead({"call", kFaulty, "echo", "--", "--json"}).out == "--json");
}

TEST_CASE("it calls no more when nobody reads what it prints") {
    for (const char* form : {"--log", "--json"}) {
        CAPTURE(form);
        const Ran ran =
            bulkhead({"call", kGreeter, "greet", "Ada", "--repeat", "1000000000", form}, {.unread_output = true});
        CHECK(ran.code == 6);
        CHECK(ran.err.find("standard output cannot be written") != std::string::npos);
    }
}

TEST_CASE("a request that ends nowhere, is a folder or may not be read is refused") {
    const auto refused = [](const Ran& ran, const std::string& words) {
        CHECK(ran.code == 2);
        CHECK(ran.out == "");
        CHECK_MESSAGE(ran.err.find(words) != std::string::npos, ran.err);
    };
    refused(bulkhead({"call", kFaulty, "echo", "--file", "/dev/zero"}), "larger than the plugin takes");
    refused(bulkhead({"call", kFaulty, "echo", "--file", "/tmp"}), "Is a directory");
    refused(bulkhead({"call", kFaulty, "echo", "--file", "/nowhere"}), "No such file");
    refused(bulkhead({"call", kFaulty, "echo", "--file", ""}), "no file has an empty name");
    refused(bulkhead({"call", kFaulty, "echo", "-"}, {.closed = {0}}), "standard input cannot be read");
    if (::geteuid() != 0) {
        const ScratchFolder scratch;
        const std::string file = (scratch.path() / "secret").string();
        std::ofstream(file) << "x";
        REQUIRE(::chmod(file.c_str(), 0) == 0);
        refused(bulkhead({"call", kFaulty, "echo", "--file", file}), "Permission denied");
    }
}

TEST_CASE("each outcome has its exit code and one sentence") {
    struct Case {
        std::vector<std::string> arguments;
        int code;
        std::string words;
    };
    const ScratchFolder scratch;
    const std::vector<Case> cases = {
        {{kFaulty, "fail", "7 no such user"}, 1, "call 'fail' failed: no such user"},
        {{kFaulty, "frobnicate"}, 2, "has no method 'frobnicate'"},
        {{scratch.path().string(), "x"}, 3, "there is no such file"},
        {{built_plugin("create_fails").string(), "x"}, 3, "the licence has expired"},
        {{kFaulty, "segfault"}, 4, "SIGSEGV"},
        {{kFaulty, "lie_kind"}, 4, "broke the channel's protocol"},
        {{kFaulty, "sleep_forever", "--timeout", "50ms"}, 5, "did not end by its deadline"},
    };
    for (const Case& one : cases) {
        std::vector<std::string> arguments{"call"};
        arguments.insert(arguments.end(), one.arguments.begin(), one.arguments.end());
        const Ran ran = bulkhead(arguments);
        CHECK(ran.code == one.code);
        CHECK(ran.out == "");
        CHECK_MESSAGE(ran.err.find(one.words) != std::string::npos, ran.err);
        CHECK(ran.err.starts_with("bulkhead: "));
    }
}

TEST_CASE("a crash is explained by its report, with the plugin's last words") {
    const PluginFolder folder("faulty", {{"config", {{"start", "crash"}}}});
    const Ran start = bulkhead({"call", folder.path().string(), "echo"});
    CHECK(start.code == 3);
    CHECK(start.err.find("its worker crashed with SIGSEGV") != std::string::npos);
    const Ran ran = bulkhead({"call", kFaulty, "segfault", "1234"});
    CHECK(ran.err.find("running: segfault, 4 bytes") != std::string::npos);
    CHECK_MESSAGE(ran.err.find(" while running 'segfault'; `bulkhead replay /") != std::string::npos, ran.err);
    CHECK(ran.err.find(".repro` makes the call again\n") != std::string::npos);
}

TEST_CASE("a hang is explained by its report, which is kept and can be replayed") {
    const ScratchFolder scratch;
    const PluginFolder folder("faulty", {{"supervision", {{"hang_grace_ms", 100}}}});
    const std::vector<std::string> arguments = {
        "call", folder.path().string(), "sleep_forever", "--timeout", "50ms", "--reports", scratch.path().string()};
    const Ran ran = bulkhead(arguments);
    CHECK(ran.code == 5);
    CHECK_MESSAGE(ran.err.find("did not end by its deadline") != std::string::npos, ran.err);
    CHECK_MESSAGE(ran.err.find("running: sleep_forever") != std::string::npos, ran.err);
    CHECK_MESSAGE(
        ran.err.find("again: bulkhead replay " + (scratch.path() / "faulty-1-").string()) != std::string::npos,
        ran.err);
    const Ran list = bulkhead({"reports", "--directory", scratch.path().string(), "--json"});
    REQUIRE(list.json().size() == 1);
    CHECK(list.json()[0]["cause"] == "hang");

    std::vector<std::string> as_json = arguments;
    as_json.emplace_back("--json");
    const auto told = bulkhead(as_json).json();
    CHECK(told["outcome"] == "timed_out");
    CHECK(told["report"]["cause"] == "hang");
}

TEST_CASE("a call that ends late, because it sees that nobody waits any more, is no death") {
    const PluginFolder folder("faulty", {{"supervision", {{"hang_grace_ms", 100}}}});
    const Ran ran = bulkhead({"call", folder.path().string(), "hang_cancellable", "--timeout", "50ms", "--json"});
    CHECK(ran.code == 5);
    CHECK_FALSE(ran.json().contains("report"));
}

TEST_CASE("a death in the stop is told with the report that is kept, and leaves the call its exit code") {
    const ScratchFolder scratch;
    const PluginFolder folder("faulty", {{"config", {{"stop", "crash"}}}});
    const std::string place = scratch.path().string();
    const std::string path = folder.path().string();
    const Ran ran = bulkhead({"call", path, "echo", "hello", "--reports", place});
    CHECK(ran.code == 0);
    CHECK(ran.out == "hello");
    const auto kept = bulkhead({"reports", "--directory", place, "--json"}).json();
    REQUIRE(kept.size() == 1);
    CHECK(ran.err ==
          "bulkhead: plugin faulty: its worker crashed with SIGSEGV (11) in its destroy function while it was being "
          "stopped; "
          "`bulkhead reports " +
              kept[0]["id"].get<std::string>() + " --directory " + place + "` tells more\n");

    const Ran as_json = bulkhead({"call", path, "echo", "hello", "--reports", place, "--json", "--repeat", "2"});
    CHECK(as_json.code == 0);
    const auto lines = as_json.out.find('\n');
    REQUIRE(lines < as_json.out.size() - 1);
    CHECK_FALSE(nlohmann::json::parse(as_json.out.substr(0, lines)).contains("other_deaths"));
    const auto last = nlohmann::json::parse(as_json.out.substr(lines));
    CHECK(last["outcome"] == "reply");
    REQUIRE(last.contains("other_deaths"));
    REQUIRE(last["other_deaths"].size() == 1);
    CHECK(last["other_deaths"][0]["signal_name"] == "SIGSEGV");

    const Ran unkept = bulkhead({"call", path, "echo", "hello", "--no-reports"});
    CHECK(unkept.code == 0);
    CHECK_MESSAGE(unkept.err.find("\n  report faulty-1-") != std::string::npos, unkept.err);
}

TEST_CASE("a crash of a call that succeeds when it is tried again is told") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path() / "crash_once").string();
    std::ofstream(file) << "x";
    const Ran ran = bulkhead({"call", kFaulty, "segfault_idempotent", file});
    CHECK(ran.code == 0);
    CHECK(ran.out == "survived");
    CHECK_MESSAGE(ran.err.starts_with("bulkhead: plugin faulty: its worker crashed with SIGSEGV (11) while running "
                                      "'segfault_idempotent'; `bulkhead reports faulty-1-"),
                  ran.err);
}

TEST_CASE("--json tells outcome, effect, time, reply and report in an object on one line") {
    const auto reply = bulkhead({"call", kGreeter, "greet", "Ada", "--json"});
    CHECK(reply.code == 0);
    CHECK(reply.out.find('\n') == reply.out.size() - 1);
    CHECK(reply.json()["outcome"] == "reply");
    CHECK(reply.json()["reply"]["text"] == "Hello, Ada!");
    CHECK(reply.json()["milliseconds"].get<double>() > 0);
    CHECK(bulkhead({"call", kFaulty, "echo", "{\"a\": 1}", "--json"}).json()["reply"]["json"]["a"] == 1);
    CHECK(bulkhead({"call", kFaulty, "echo", "-", "--json"}, {.input = "\xff\x01"}).json()["reply"]["base64"] ==
          "/wE=");
    CHECK(bulkhead({"call", kFaulty, "echo", std::string(500, '['), "--json"}).json()["reply"].contains("text"));

    const auto failed = bulkhead({"call", kFaulty, "fail", "7 no such user", "--json"}).json();
    CHECK(failed["outcome"] == "plugin_failed");
    CHECK(failed["number"] == 7);
    CHECK(failed["effect"] == "unknown");

    const auto crashed = bulkhead({"call", kFaulty, "segfault", "--json"});
    CHECK(crashed.code == 4);
    CHECK(crashed.json()["outcome"] == "crashed");
    CHECK(crashed.json()["report"]["signal_name"] == "SIGSEGV");
    CHECK(crashed.json()["report"]["running"]["method"] == "segfault");
    CHECK(crashed.json()["report"]["crash"]["module"] == "libfaulty.so");

    const auto refused = bulkhead({"call", built_plugin("wrong_abi").string(), "x", "--json"});
    CHECK(refused.code == 3);
    CHECK(refused.json()["outcome"] == "load_failed");
    CHECK(refused.json()["effect"] == "none");
}

TEST_CASE("--repeat calls so often, in one life of the plugin, and stops at the first failure") {
    const Ran ran = bulkhead({"call", kFaulty, "count", "--repeat", "3"});
    CHECK(ran.out == "1\n2\n3\n");
    CHECK(ran.err.starts_with("3 replies: median "));
    const Ran failed = bulkhead({"call", kFaulty, "segfault", "--repeat", "3", "--json"});
    CHECK(failed.code == 4);
    CHECK(failed.out.find('\n') == failed.out.size() - 1);
}

TEST_CASE("--log shows what the plugin prints, harmless to a terminal") {
    const Ran ran = bulkhead({"call", kFaulty, "print", "red \x1b[31m text", "--log"});
    CHECK(ran.code == 0);
    CHECK(ran.err == "faulty: red  [31m text\nfaulty: red  [31m text\n");
}

TEST_CASE("a standard output that is closed, or that nobody reads, is an error of its own") {
    const Ran closed = bulkhead({"call", kGreeter, "greet", "Ada"}, {.closed = {1}});
    CHECK(closed.code == 6);
    CHECK(closed.err == "bulkhead: standard output cannot be written: Bad file descriptor; look at where it goes\n");
    const Ran unread = bulkhead({"call", kGreeter, "greet", "Ada"}, {.unread_output = true});
    CHECK(unread.code == 6);
    CHECK(unread.err == "bulkhead: standard output cannot be written: Broken pipe; look at where it goes\n");
    const Ran all = bulkhead({"call", kGreeter, "greet", "Ada"}, {.closed = {0, 1, 2}});
    CHECK(all.code == 6);
    CHECK(all.err == "");
}

TEST_CASE("a state that cannot be kept is said, although the call went well") {
    const ScratchFolder scratch;
    const std::filesystem::path file = scratch.path() / "missing" / "count";
    const PluginFolder folder("keeper", {{"state", {{"path", file.string()}}}});
    const Ran unwritten = bulkhead({"call", folder.path().string(), "add", "1"});
    CHECK(unwritten.out == "1");
    CHECK(unwritten.err == "bulkhead: plugin keeper: state file " + file.string() +
                               " cannot be written: there is no folder " + file.parent_path().string() + "\n");
    CHECK(unwritten.code == 6);

    std::filesystem::create_directory(file.parent_path());
    CHECK(bulkhead({"call", folder.path().string(), "add", "1"}).code == 0);
    std::ofstream(file) << "damaged";
    const Ran damaged = bulkhead({"call", folder.path().string(), "get"});
    CHECK(damaged.out == "0");
    CHECK_MESSAGE(damaged.err.starts_with("bulkhead: plugin keeper: its state was put aside: "), damaged.err);
    CHECK(damaged.code == 0);
}

}  // namespace
}  // namespace bulkhead::tests
