// bulkhead check: what it finds, what it leaves alone, and that it can be told to do it again.
#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <string>

#include "support/command_line.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

using Json = nlohmann::json;

Json check(const std::string& plugin, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"check", plugin, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = bulkhead(arguments);
    REQUIRE_MESSAGE(Json::accept(ran.out), ran.out << ran.err);
    const Json json = ran.json();
    CHECK(ran.code == (json["findings"] == 0 ? 0 : 1));
    return json;
}

// The observations of this verdict and step.
std::vector<Json> observed(const Json& json, const std::string& verdict, const std::string& step) {
    std::vector<Json> found;
    for (const Json& observation : json["observations"]) {
        if (observation["verdict"] == verdict && observation["check"] == step) {
            found.push_back(observation);
        }
    }
    return found;
}

bool contains(const Json& text, const std::string& part) {
    return text.get<std::string>().find(part) != std::string::npos;
}

std::string content_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

const std::string kFaulty = built_plugin("faulty").string();
const std::string kLeaky = built_plugin("leaky").string();

TEST_CASE("a good plugin has no findings, and errors for bad requests are no faults") {
    for (const char* name : {"greeter", "checksum"}) {
        CAPTURE(name);
        const Json json = check(built_plugin(name).string(), {"--budget", "3s"});
        CHECK_MESSAGE(json["findings"] == 0, json.dump(2));
        CHECK(observed(json, "good", "start").size() == 1);
        CHECK(observed(json, "good", "calls").size() == 1);
        CHECK(observed(json, "good", "stop").size() == 1);
    }
}

TEST_CASE("a plugin's state on disk is left as it is") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path() / "keeper.state").string();
    const PluginFolder folder("keeper", {{"state", {{"path", file}}}});
    const std::string plugin = folder.path().string();
    REQUIRE(bulkhead({"call", plugin, "add", "41"}).code == 0);
    const std::string kept = content_of(file);
    check(plugin, {"--budget", "1s", "--method", "add"});
    CHECK(content_of(file) == kept);
}

TEST_CASE("for people it prints a line for each step, and the sum") {
    const Ran ran = bulkhead({"check", built_plugin("greeter").string(), "--budget", "2s", "--seed", "7"});
    CHECK(ran.code == 0);
    CHECK(ran.out.find("good    manifest   greeter 1.0.0\n") != std::string::npos);
    CHECK(ran.out.find("good    calls      method greet: ") != std::string::npos);
    CHECK(ran.out.find("0 findings, 0 notes (seed 7, ") != std::string::npos);
}

TEST_CASE("a crash is found, and the printed command shows it again") {
    const Json json = check(kFaulty, {"--method", "abort", "--budget", "5s", "--seed", "3"});
    const auto findings = observed(json, "finding", "calls");
    REQUIRE(findings.size() == 1);
    CHECK(contains(findings[0]["text"],
                   "method abort, case 1 (an empty object, 2 bytes): its worker crashed with SIGABRT"));
    CHECK(findings[0]["report"]["signal_name"] == "SIGABRT");
    const std::string again = findings[0]["again"].get<std::string>();
    CHECK(again == "bulkhead check " + kFaulty + " --seed 3 --method abort --case 1");
    const Json replayed = check(kFaulty, {"--method", "abort", "--seed", "3", "--case", "1"});
    CHECK(observed(replayed, "finding", "calls").size() == 1);
}

TEST_CASE("a crash that needs a certain value of a certain field is found, the same for the same seed") {
    const Json json = check(kLeaky, {"--method", "picky", "--budget", "20s", "--seed", "11"});
    const auto findings = observed(json, "finding", "calls");
    REQUIRE_MESSAGE(!findings.empty(), json.dump(2));
    CHECK(contains(findings[0]["text"], "SIGABRT"));
    const std::string again = findings[0]["again"].get<std::string>();
    const std::size_t at = again.find(" --case ");
    REQUIRE(at != std::string::npos);
    const std::string number = again.substr(at + 8);
    for (int turn = 0; turn < 2; ++turn) {
        const Json replayed = check(kLeaky, {"--method", "picky", "--seed", "11", "--case", number});
        REQUIRE(observed(replayed, "finding", "calls").size() == 1);
        CHECK(observed(replayed, "finding", "calls")[0]["text"] == findings[0]["text"]);
    }
}

TEST_CASE("a method that does not come back, or never answers, is found once") {
    for (const char* method : {"sleep_forever", "hang", "never_answer"}) {
        CAPTURE(method);
        const Json json = check(kFaulty, {"--method", method, "--budget", "6s"});
        const auto findings = observed(json, "finding", "calls");
        REQUIRE(findings.size() == 1);
        CHECK(contains(findings[0]["text"], "no answer came within"));
    }
}

TEST_CASE("a broken rule of the channel, and an exit, are found") {
    CHECK(contains(observed(check(kFaulty, {"--method", "lie_kind"}), "finding", "calls").at(0)["text"],
                   "broke the channel's protocol"));
    CHECK(contains(observed(check(kFaulty, {"--method", "exit", "--case", "5"}), "finding", "calls").at(0)["text"],
                   "exited with code 0"));
}

TEST_CASE("a crash in no call is found") {
    const Json json = check(kFaulty, {"--method", "crash_in_thread", "--budget", "5s"});
    CHECK(json["findings"].get<int>() > 0);
    bool told = false;
    for (const Json& observation : json["observations"]) {
        told = told || (observation["verdict"] == "finding" && contains(observation["text"], "SIGSEGV"));
    }
    CHECK_MESSAGE(told, json.dump(2));
}

TEST_CASE("leaks of memory, descriptors and threads are found, each as what it is") {
    const auto leaks = [](const char* method) {
        return observed(check(kLeaky, {"--method", method, "--budget", "10s"}), "finding", "leaks");
    };
    if (BULKHEAD_CLI_SANITIZED == 0) {
        const auto memory = leaks("leak_memory");
        REQUIRE(memory.size() == 1);
        CHECK(contains(memory[0]["text"], "bytes of memory behind"));
    }
    const auto descriptors = leaks("leak_descriptors");
    REQUIRE(!descriptors.empty());
    CHECK(contains(descriptors[0]["text"], "each call leaves about 1.0 file descriptors behind"));
    const auto threads = leaks("leak_threads");
    REQUIRE(!threads.empty());
    CHECK(contains(threads[0]["text"], "each call leaves about 1.0 threads behind"));
    CHECK(leaks("tidy").empty());
}

TEST_CASE("a method that is meant to keep something may grow") {
    const Json json = check(kLeaky, {"--method", "leak_memory", "--budget", "5s", "--keeps", "leak_memory"});
    CHECK(json["findings"] == 0);
}

TEST_CASE("a method that works on after its deadline is noted, not accused") {
    const Json json = check(kLeaky, {"--method", "slow", "--budget", "20s"});
    CHECK(json["findings"] == 0);
    const auto notes = observed(json, "note", "deadlines");
    REQUIRE_MESSAGE(notes.size() == 1, json.dump(2));
    CHECK(contains(notes[0]["text"], "after its deadline"));
}

struct Expected {
    const char* of;
    const char* cause;
};

TEST_CASE("a plugin that cannot start is a finding with its cause") {
    const std::vector<Expected> all{
        {"create_fails", "the licence has expired"}, {"wrong_abi", "plugin ABI 99"}, {"constructor_crash", "SIG"}};
    for (const Expected& plugin : all) {
        CAPTURE(plugin.of);
        const auto findings = observed(check(built_plugin(plugin.of).string()), "finding", "start");
        REQUIRE(findings.size() == 1);
        CHECK(contains(findings[0]["text"], plugin.cause));
    }
    CHECK(observed(check(built_plugin("truncated").string()), "finding", "libraries").size() == 1);
}

TEST_CASE("a plugin that crashes or hangs when it is stopped is found") {
    const std::vector<Expected> all{
        {"crash", "crashed with SIGSEGV (11) in its destroy function while it was being stopped"},
        {"hang", "had to be killed"}};
    for (const Expected& fault : all) {
        CAPTURE(fault.of);
        const PluginFolder folder("faulty", {{"config", {{"stop", fault.of}}}, {"supervision", {{"stop_ms", 200}}}});
        const auto findings =
            observed(check(folder.path().string(), {"--method", "echo", "--budget", "2s"}), "finding", "stop");
        REQUIRE(findings.size() == 1);
        CHECK(contains(findings[0]["text"], fault.cause));
    }
}

TEST_CASE("what it would need permissions for is read from its symbols") {
    const Json needs = check(kFaulty, {"--method", "echo", "--budget", "1s"})["needs"];
    CHECK(needs.contains("processes"));
    CHECK(needs.contains("threads"));
    CHECK(needs.contains("files"));
    CHECK_FALSE(check(built_plugin("checksum").string(), {"--budget", "1s"})["needs"].contains("files"));
}

TEST_CASE("the whole time is bounded") {
    const auto begin = std::chrono::steady_clock::now();
    const Json json = check(kFaulty, {"--budget", "2s"});
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
    CHECK(contains(observed(json, "note", "calls").back()["text"], "the time was over"));
}

TEST_CASE("--manifest reads the manifest and starts nothing") {
    const PluginFolder folder("greeter");
    std::filesystem::remove(folder.path() / "libgreeter.so");
    const Surroundings no_worker{.environment = {{"BULKHEAD_WORKER", "/nowhere"}}};
    for (const std::string& named : {folder.path().string(), (folder.path() / "plugin.json").string()}) {
        const Ran ran = bulkhead({"check", "--manifest", named}, no_worker);
        CHECK(ran.code == 0);
        CHECK(ran.out == "good    manifest   greeter 1.0.0, libgreeter.so\n");
    }
    folder.write_manifest("{\"name\": \"greeter\"}");
    const Ran bad = bulkhead({"check", "--manifest", folder.path().string()}, no_worker);
    CHECK(bad.code == 1);
    CHECK(bad.err.find("field 'version' is missing") != std::string::npos);
    const Ran json = bulkhead({"check", "--manifest", folder.path().string(), "--json"}, no_worker);
    CHECK(json.code == 1);
    CHECK(json.json()["findings"] == 1);
    CHECK(bulkhead({"check", folder.path().string()}).code == 1);
    CHECK(bulkhead({"check", "--manifest", "/nowhere"}).code == 1);
}

TEST_CASE("hostile manifests are findings, not accidents") {
    const PluginFolder folder("greeter");
    for (const std::string& text :
         {std::string(), std::string("{"), std::string(100'000, '['), std::string("\xff\xfe"), std::string("[]"),
          std::string(2 << 20, ' '), std::string(R"({"name": "../x", "version": "1", "library": "x"})"),
          std::string(R"({"name": "x", "version": "1", "library": "../../etc/passwd"})"),
          std::string(R"({"name": "x", "version": "1", "library": "x", "limits": {"payload": 1e30}})")}) {
        folder.write_manifest(text);
        for (const auto& arguments : std::vector<std::vector<std::string>>{
                 {"check", folder.path().string()}, {"check", "--manifest", folder.path().string()}}) {
            const Ran ran = bulkhead(arguments);
            CHECK(ran.code == 1);
            CHECK(ran.err.find('\n') == ran.err.size() - 1);
        }
        CHECK(bulkhead({"call", folder.path().string(), "greet"}).code == 3);
        CHECK(bulkhead({"inspect", folder.path().string()}).code == 3);
    }
}

TEST_CASE("a method that is not there, and a case of no method, are wrong usage") {
    CHECK(bulkhead({"check", kFaulty, "--method", "frobnicate"}).code == 2);
    CHECK(bulkhead({"check", kFaulty, "--keeps", "frobnicate", "--budget", "1s"}).code == 2);
    CHECK(bulkhead({"check", kFaulty, "--case", "3"}).code == 2);
}

}  // namespace
}  // namespace bulkhead::tests
