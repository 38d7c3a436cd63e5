// Every sentence that a user of the command line or of the host can meet, to be read as one reads it. A sentence says
// what is wrong, with the name of the thing and the cause, and what to try next.
#include <doctest/doctest.h>

#include <bulkhead/host/host.hpp>
#include <bulkhead/host/session.hpp>
#include <fstream>
#include <stop_token>
#include <string>
#include <vector>

#include "support/command_line.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// `text` with the path of the plugin for each {P}.
std::string filled(std::string text, const std::string& plugin) {
    for (std::size_t at = 0; (at = text.find("{P}", at)) != std::string::npos; at += plugin.size()) {
        text.replace(at, 3, plugin);
    }
    return text;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

struct Sentence {
    std::vector<std::string> arguments;
    const char* text;
};

void check_sentences(const std::string& plugin, const std::vector<Sentence>& sentences,
                     const Surroundings& surroundings = {}) {
    for (const Sentence& sentence : sentences) {
        std::vector<std::string> arguments;
        for (const std::string& argument : sentence.arguments) {
            arguments.push_back(filled(argument, plugin));
        }
        const Ran ran = bulkhead(arguments, surroundings);
        CHECK(ran.code != 0);
        CHECK(first_line(ran.err) == "bulkhead: " + filled(sentence.text, plugin));
    }
}

TEST_CASE("texts: command lines") {
    check_sentences(
        built_plugin("greeter").string(),
        {
            {{}, "say what to do; see `bulkhead --help`"},
            {{"frobnicate"}, "there is no command 'frobnicate'; see `bulkhead --help`"},
            {{"call"}, "PLUGIN is required; see `bulkhead call --help`"},
            {{"call", "{P}"}, "METHOD is required; see `bulkhead call --help`"},
            {{"call", "{P}", "greet", "a", "b"},
             "the following argument was not expected: b; an argument that begins with '-' and is no option stands "
             "after `--`; see `bulkhead call --help`"},
            {{"call", "{P}", "greet", "--file"}, "--file: 1 required FILE missing; see `bulkhead call --help`"},
            {{"call", "{P}", "greet", "a", "--file", "b"}, "REQUEST excludes --file; see `bulkhead call --help`"},
            {{"call", "{P}", "greet", "--timeout", "5"},
             "--timeout: '5' is no time: write it like 250ms, 2s or 1m, at most a day, or none; see `bulkhead call "
             "--help`"},
            {{"check", "{P}", "--budget", "5"},
             "--budget: '5' is no time: write it like 5s or 2m, at most a day; see `bulkhead check --help`"},
            {{"check", "{P}", "--case", "5"}, "--case says which request of one method; name it with --method"},
            {{"check", "{P}", "--method", "gret"},
             "plugin greeter has no method 'gret'; `bulkhead inspect {P}` lists its methods"},
            {{"call", "{P}", "greet", "--file", "/nowhere"},
             "the request's file /nowhere cannot be read: No such file or directory; give the request as an argument, "
             "with --file, or on standard input with -"},
            {{"call", "{P}", "greet", "--file", "/dev/zero"},
             "the request is larger than the plugin takes, which is 16777216 bytes; send less, or raise "
             "limits.payload in its manifest"},
            {{"new", "My-Plugin"},
             "'My-Plugin' cannot be a plugin's name: it must be 1 to 40 lower-case letters, digits and '_', the first "
             "a letter"},
            {{"new", "class"}, "'class' cannot be a plugin's name: it is a reserved word"},
            {{"new", "scaler", "--templates", "/nowhere"},
             "there is no folder of templates at /nowhere; name it with --templates or BULKHEAD_TEMPLATES"},
            {{"new", "scaler", "--templates", "{P}"},
             "there is no template {P}/cpp; name the folder of templates with --templates"},
        });
}

TEST_CASE("texts: calls") {
    const PluginFolder folder("faulty", {{"limits", {{"payload", 1000}}}, {"supervision", {{"restarts", 0}}}});
    check_sentences(
        folder.path().string(),
        {
            {{"call", "{P}", "ecko"}, "plugin faulty has no method 'ecko'; `bulkhead inspect {P}` lists its methods"},
            {{"call", "{P}", "fail", "7 no such user"}, "plugin faulty: call 'fail' failed: no such user"},
            {{"call", "{P}", "echo", std::string(1001, 'x')},
             "plugin faulty: call 'echo' is too large: its request of 1001 bytes is over limits.payload of 1000; send "
             "less, or raise limits.payload in its manifest"},
            {{"call", "{P}", "too_big", "1001"},
             "plugin faulty: call 'too_big' is too large: its reply is over limits.payload of 1000; send less, or "
             "raise limits.payload in its manifest"},
            {{"call", "{P}", "segfault", "--no-reports"},
             "plugin faulty: call 'segfault' was lost: its worker crashed with SIGSEGV (11) while running 'segfault'; "
             "`bulkhead check {P}` looks for requests that do this"},
            {{"call", "{P}", "exit", "3", "--no-reports"},
             "plugin faulty: call 'exit' was lost: its worker exited with code 3 while running 'exit'; `bulkhead "
             "check {P}` looks for requests that do this"},
            {{"call", "{P}", "lie_kind", "--no-reports"},
             "plugin faulty: call 'lie_kind' was lost: its worker broke the channel's protocol (a reply of an unknown "
             "kind) and was ended while running 'lie_kind'; `bulkhead check {P}` looks for requests that do this"},
            {{"call", "{P}", "sleep_forever", "--timeout", "50ms"},
             "plugin faulty: call 'sleep_forever' did not end by its deadline; give it longer with --timeout, or "
             "raise supervision.call_ms in its manifest"},
        });
}

TEST_CASE("texts: manifests") {
    const PluginFolder folder("greeter");
    const auto check = [&](const std::string& manifest, const std::string& text) {
        folder.write_manifest(manifest);
        const std::string sentence =
            "manifest {P}/plugin.json: " + text + "; correct it, then try `bulkhead check --manifest {P}`";
        check_sentences(folder.path().string(), {{{"call", "{P}", "greet"}, sentence.c_str()},
                                                 {{"inspect", "{P}"}, sentence.c_str()},
                                                 {{"run", "{P}"}, sentence.c_str()},
                                                 {{"check", "{P}"}, sentence.c_str()}});
    };
    check("[]", "it must be a JSON object");
    check(R"({"name": "a b", "version": "1", "library": "l"})",
          "field 'name' must be at most 64 letters, digits, '-', '_' and '.', and is 'a b'");
    check(R"({"name": "a"})", "field 'version' is missing");
    check(R"({"name": "a", "version": 1, "library": "l"})", "field 'version' must be a text that is not empty");
    check(R"({"name": "a", "version": "1", "library": "../l"})",
          "field 'library' must be a file name in the manifest's folder, and is '../l'");
    check(R"({"name": "a", "version": "1", "library": "l", "limits": {"paylaod": 1}})",
          "field 'limits.paylaod' is not known; there are payload, in_flight, in_flight_bytes, address_space, "
          "open_files, file_size, cpu_seconds, stack");
    check(R"({"name": "a", "version": "1", "library": "l", "limits": {"payload": "1 MiB"}})",
          "field 'limits.payload' must be a whole number from 1 to 1073741824, and is \"1 MiB\"");
    check_sentences(
        (folder.path() / "nowhere").string(),
        {{{"call", "{P}", "x"},
          "manifest {P}: there is no such file; give the folder that holds plugin.json, or the file itself"},
         {{"check", "--manifest", "{P}"},
          "manifest {P}: there is no such file; give the folder that holds plugin.json, or the file itself"}});
}

TEST_CASE("texts: plugins that cannot be started") {
    const std::vector<std::pair<const char*, const char*>> sentences = {
        {"no_library",
         "plugin no_library: library libno_library.so cannot be used: there is no file {P}/libno_library.so; build it, "
         "or correct 'library' in its plugin.json"},
        {"not_a_library",
         "plugin not_a_library: library libnot_a_library.so cannot be used: it is not an ELF file; build it again"},
        {"truncated",
         "plugin truncated: library libtruncated.so cannot be used: it is truncated: a segment lies beyond the end of "
         "the file; build it again"},
        {"wrong_architecture",
         "plugin wrong_architecture: library libwrong_architecture.so cannot be used: it was built for aarch64; this "
         "machine is x86-64; build it for this machine"},
        {"missing_dependency",
         "plugin missing_dependency cannot be started: library libmissing_dependency.so needs libgone.so, which was "
         "not found; install that library, or put it beside the plugin"},
        {"private_dependency_without_soname",
         "plugin private_dependency_without_soname: library libnameless.so cannot be used: it has no SONAME; link it "
         "with -Wl,-soname,libnameless.so"},
        {"undefined_symbol",
         "plugin undefined_symbol cannot be started: library libundefined_symbol.so refers to the symbol "
         "nobody_defines_this, which nothing defines; link it with the library that does"},
        {"no_entry",
         "plugin no_entry: library libno_entry.so cannot be used: it exports no function bulkhead_plugin; end it with "
         "BULKHEAD_PLUGIN(...), or export that function yourself"},
        {"null_entry",
         "plugin null_entry cannot be started: library libnull_entry.so: its function bulkhead_plugin returned null; "
         "correct it, then build it again"},
        {"wrong_abi",
         "plugin wrong_abi cannot be started: library libwrong_abi.so was built for plugin ABI 99; this worker speaks "
         "1; compile it with the headers of this Bulkhead"},
        {"no_create",
         "plugin no_create cannot be started: library libno_create.so: it has no create function; correct it, then "
         "build it again"},
        {"duplicate_methods",
         "plugin duplicate_methods cannot be started: library libduplicate_methods.so: two of its methods are called "
         "twin; correct it, then build it again"},
        {"constructor_crash",
         "plugin constructor_crash cannot be started: its worker crashed with SIGSEGV (11) while its library was being "
         "loaded; `bulkhead call --log` shows what it prints before that"},
        {"create_fails",
         "plugin create_fails cannot be started: its create function failed with number 12: the licence has expired; "
         "look at 'config' in its plugin.json"},
        {"create_exits",
         "plugin create_exits cannot be started: its worker exited with code 5 in its create function; `bulkhead call "
         "--log` shows what it prints before that"},
        {"create_hangs",
         "plugin create_hangs cannot be started: it was not ready within 2000 ms in its create function; let it start "
         "faster, or raise supervision.start_ms in its plugin.json"},
    };
    for (const auto& [plugin, text] : sentences) {
        check_sentences(built_plugin(plugin).string(), {{{"call", "{P}", "x"}, text}});
    }
    check_sentences(built_plugin("create_exits").string(),
                    {{{"run", "{P}"},
                      "plugin create_exits cannot be started: its worker exited with code 5 in its create function; "
                      "look at what it printed before that"}});
    const PluginFolder strange("greeter", {{"methods", {{"nope", {{"idempotent", true}}}}}});
    check_sentences(strange.path().string(), {{{"call", "{P}", "x"},
                                               "plugin greeter cannot be started: it has no method 'nope', which its "
                                               "manifest names; correct 'methods' in its plugin.json"}});
}

TEST_CASE("texts: installations") {
    check_sentences(built_plugin("greeter").string(),
                    {{{"call", "{P}", "greet"},
                      "the worker executable /nowhere, named by BULKHEAD_WORKER, is not there or not executable; "
                      "reinstall Bulkhead, or name the worker of the same build in BULKHEAD_WORKER"}},
                    {.environment = {{"BULKHEAD_WORKER", "/nowhere"}}});
    check_sentences(
        built_plugin("greeter").string(),
        {{{"call", "{P}", "greet", "you"}, "standard output cannot be written: Broken pipe; look at where it goes"}},
        {.unread_output = true});
}

TEST_CASE("texts: what only a program that embeds the host can meet") {
    Service service("faulty", {{"supervision", {{"restarts", 0}, {"stop_ms", 300}}}});
    Host& host = service.host();
    const Plugin plugin = service.plugin();
    const std::string folder = service.folder().path().string();
    CHECK(host.load(folder).error().message == "a plugin named 'faulty' is loaded already or being unloaded");
    CHECK(host.plugin("nobody").error().message == "no plugin named 'nobody' is loaded");
    CHECK(host.unload("nobody").error().message == "no plugin named 'nobody' is loaded");
    CHECK(host.load(ManifestText{"{}", folder}).error().message == "manifest given as text: field 'name' is missing");
    CHECK(plugin.call_json("fail", Json("x")).error().message.starts_with("plugin faulty: call 'fail' failed"));
    CHECK(plugin.call_json("throw", Json(1)).error().message.starts_with("plugin faulty: call 'throw' failed"));
    CHECK(plugin.call_json("environment", Json()).error().code == ErrorCode::plugin_failed);

    std::stop_source stop;
    stop.request_stop();
    CallOptions cancelled;
    cancelled.stop = stop.get_token();
    CHECK(sentence(plugin.call("echo", "", cancelled)) == "plugin faulty: call 'echo' was cancelled by its caller");

    const Session session = plugin.session();
    REQUIRE(session.call("echo", "pinned").has_value());
    CHECK(plugin.call("segfault", "").has_error());
    const std::string lost = sentence(session.call("echo", "again"));
    CHECK(lost.starts_with("plugin faulty: call 'echo' "));
    CHECK(lost.find("session") != std::string::npos);
    CHECK(sentence(plugin.call("echo", "x")) ==
          "plugin faulty is not available for call 'echo': its worker died too often (0 restarts within 10000 ms are "
          "allowed), at last it crashed with SIGSEGV (11) while running 'segfault'");
    service.end_host();
    CHECK(sentence(plugin.call("echo", "x")) == "plugin faulty: call 'echo' ended because the plugin was stopped");
}

}  // namespace
}  // namespace bulkhead::tests
