// bulkhead reports and bulkhead replay: what is left of a crash, and the way back to it.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/command_line.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

const std::string kFaulty = built_plugin("faulty").string();

// Folder of reports with one crash or more in it.
struct Kept {
    // Makes the call, which must kill the worker; the id of its report.
    std::string crash(const std::string& plugin, const std::string& method, const std::string& request = "") const {
        const Ran ran = bulkhead({"call", plugin, method, request, "--reports", folder.string(), "--json"});
        REQUIRE_MESSAGE(ran.code == 4, ran.out << ran.err);
        return ran.json()["report"]["id"];
    }
    std::string repro(const std::string& id) const { return (folder / (id + ".repro")).string(); }
    Ran reports(std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"reports", "--directory", folder.string()});
        return bulkhead(more);
    }

    ScratchFolder scratch;
    fs::path folder = scratch.path() / "reports";
};

std::string text_of_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_CASE("after a crash the report ends up where `reports` finds it, and names the command that reproduces it") {
    const ScratchFolder state;
    const Surroundings there{.environment = {{"XDG_STATE_HOME", state.path().string()}}};
    const Ran ran = bulkhead({"call", kFaulty, "segfault", "1234"}, there);
    CHECK(ran.code == 4);
    const std::string again = "again: bulkhead replay " + (state.path() / "bulkhead/reports/faulty-1-").string();
    CHECK_MESSAGE(contains(ran.err, again), ran.err);
    const Ran list = bulkhead({"reports"}, there);
    CHECK(list.code == 0);
    CHECK(list.out.starts_with("faulty-1-"));
    CHECK(contains(list.out, "  faulty  crashed with SIGSEGV (11) while running 'segfault'\n"));
    const Ran one = bulkhead({"reports", "faulty-1"}, there);
    CHECK(one.code == 0);
    CHECK_MESSAGE(contains(ran.err, one.out), one.out);
}

TEST_CASE("--no-reports keeps nothing, and neither does an environment that names no place") {
    const ScratchFolder state;
    const Surroundings there{.environment = {{"XDG_STATE_HOME", state.path().string()}}};
    CHECK_FALSE(contains(bulkhead({"call", kFaulty, "segfault", "--no-reports"}, there).err, "again:"));
    CHECK(fs::is_empty(state.path()));
    const Surroundings nowhere{.environment = {{"XDG_STATE_HOME", "relative"}, {"HOME", ""}}};
    const Ran ran = bulkhead({"call", kFaulty, "segfault"}, nowhere);
    CHECK(ran.code == 4);
    CHECK_FALSE(contains(ran.err, "again:"));
    const Ran list = bulkhead({"reports"}, nowhere);
    CHECK(list.code == 2);
    CHECK(list.err == "bulkhead: neither XDG_STATE_HOME nor HOME is set; name the folder with --directory\n");
    const Surroundings home{.environment = {{"XDG_STATE_HOME", ""}, {"HOME", state.path().string()}}};
    CHECK(contains(bulkhead({"call", kFaulty, "segfault"}, home).err,
                   (state.path() / ".local/state/bulkhead/reports").string()));
}

TEST_CASE("reports are listed newest first, and one is printed by the beginning of its id") {
    const Kept kept;
    CHECK(kept.reports().err == "no reports in " + kept.folder.string() + "\n");
    CHECK(kept.reports({"--json"}).json().empty());
    const std::string first = kept.crash(kFaulty, "segfault");
    const std::string second = kept.crash(kFaulty, "abort");
    const auto list = kept.reports({"--json"}).json();
    REQUIRE(list.size() == 2);
    CHECK(list[0]["id"] == second);
    CHECK(list[1]["clause"] == "crashed with SIGSEGV (11) while running 'segfault'");
    CHECK(kept.reports({first, "--json"}).json()["crash"]["code"] == "SEGV_MAPERR");
    CHECK(contains(kept.reports({second}).out, "SIGABRT"));
    const Ran many = kept.reports({"faulty"});
    CHECK(many.code == 2);
    CHECK(many.err == "bulkhead: 2 reports begin with 'faulty': " + second + ", " + first + "; give more of the id\n");
    const Ran none = kept.reports({"../x"});
    CHECK(none.code == 2);
    CHECK(none.err == "bulkhead: there is no report '../x' in " + kept.folder.string() +
                          "; `bulkhead reports` lists what there is\n");
}

TEST_CASE("latest is the newest report, of one plugin too, and the list has its times in UTC, as reports have") {
    const Kept kept;
    const std::string first = kept.crash(kFaulty, "segfault");
    const PluginFolder twin("faulty", {{"name", "faulty-1"}});
    const std::string second = kept.crash(twin.path().string(), "abort");
    CHECK(kept.reports({"latest", "--json"}).json()["id"] == second);
    CHECK(kept.reports({"latest", "--plugin", "faulty", "--json"}).json()["id"] == first);
    CHECK(kept.reports({"--plugin", "faulty-1", "--json"}).json().size() == 1);
    CHECK(kept.reports({"latest", "--plugin", "nobody"}).code == 2);
    const std::string text = kept.reports({first}).out;
    const std::size_t died = text.find("died ");
    REQUIRE(died != std::string::npos);
    const std::string time = text.substr(died + 5, std::string("2026-11-20 16:05:48 UTC").size());
    const Ran list = bulkhead({"reports", "--directory", kept.folder.string(), "--plugin", "faulty"},
                              {.environment = {{"TZ", "XYZ-5"}}});
    CHECK_MESSAGE(contains(list.out, first + "  " + time + "  faulty"), list.out);
}

TEST_CASE("a crash is replayed by the beginning of its report's id too") {
    const Kept kept;
    const std::string directory = kept.folder.string();
    const std::string first = kept.crash(kFaulty, "segfault");
    CHECK(bulkhead({"replay", "faulty-1", "--directory", directory}).code == 0);
    const std::string second = kept.crash(kFaulty, "abort");
    CHECK(contains(bulkhead({"replay", "latest", "--directory", directory}).out, "again: 'abort'"));
    const Ran many = bulkhead({"replay", "faulty-1", "--directory", directory});
    CHECK(many.code == 2);
    CHECK(many.err ==
          "bulkhead: 2 reports begin with 'faulty-1': " + second + ", " + first + "; give more of the id\n");
    fs::remove(kept.repro(first));
    const Ran none = bulkhead({"replay", first, "--directory", directory});
    CHECK(none.code == 2);
    CHECK_MESSAGE(contains(none.err, "no repro was kept beside report " + first), none.err);
}

TEST_CASE("a report that was damaged is listed as that, and the others are there") {
    const Kept kept;
    const std::string good = kept.crash(kFaulty, "segfault");
    std::ofstream(kept.folder / "faulty-9-00000000.json") << "{\"id\": 1}";
    const Ran list = kept.reports();
    CHECK(list.code == 0);
    CHECK(contains(list.out, good));
    CHECK(contains(list.out, "it is no report: its member 'plugin' is missing"));
    CHECK(kept.reports({"faulty-9"}).code == 2);
}

TEST_CASE("a crash is replayed: the same way is 0, with the same request and configuration") {
    const Kept kept;
    for (const char* method : {"segfault", "abort", "lie_kind"}) {
        CAPTURE(method);
        const Ran ran = bulkhead({"replay", kept.repro(kept.crash(kFaulty, method, "123"))});
        CHECK(ran.code == 0);
        CHECK_MESSAGE(contains(ran.out, "it died again in the same way"), ran.out << ran.err);
        CHECK(
            contains(ran.out, std::string("again: '") + method + "' of plugin faulty 1.0.0 with 3 bytes; its worker "));
    }
    const Ran place = bulkhead({"replay", kept.repro(kept.crash(kFaulty, "segfault"))});
    CHECK(contains(place.out, "in the same way, at the same instruction\n"));
}

TEST_CASE("a hang is replayed with the deadline that its caller had, and waited for") {
    const ScratchFolder scratch;
    HostOptions options = host_options();
    options.reports = scratch.path();
    const Service service("faulty", {{"supervision", {{"hang_grace_ms", 100}}}}, options);
    CallOptions impatient;
    impatient.timeout = std::chrono::milliseconds(50);
    CHECK(service.plugin().call("sleep_forever", "", impatient).has_error());
    REQUIRE(service.deaths().await_count(1));
    const Report report = service.deaths().all().front();
    CHECK(report.cause == Cause::hang);
    const Ran ran = bulkhead({"replay", report.repro.string()});
    CHECK_MESSAGE(ran.code == 0, ran.out << ran.err);
    CHECK(contains(ran.out, "it died again in the same way\n"));
}

TEST_CASE("a call is replayed with the state that the plugin had before it") {
    const ScratchFolder scratch;
    HostOptions options = host_options();
    options.reports = scratch.path();
    const Service service("keeper", kEndlessRestarts, options);
    REQUIRE(service.plugin().call("add", "41").has_value());
    CHECK(summary(service.plugin().call("crash_at", "41")) == "crashed/unknown");
    REQUIRE(service.deaths().await_count(1));
    const Ran ran = bulkhead({"replay", service.deaths().all().front().repro.string()});
    CHECK_MESSAGE(ran.code == 0, ran.out << ran.err);
    CHECK(contains(ran.out, "it died again in the same way, at the same instruction\n"));
}

TEST_CASE("a death in a start or a stop is replayed by a start and a stop") {
    for (const char* place : {"create", "destroy", "atexit"}) {
        CAPTURE(place);
        const ScratchFolder scratch;
        HostOptions options = host_options();
        options.reports = scratch.path();
        const DeathCollector deaths;
        options.on_death = deaths;
        const PluginFolder folder("perils", {{"config", {{"crash_in", place}}}});
        {
            Host host = make_host(options);
            if (const auto plugin = host.load(folder.path())) {
                CHECK(plugin->stop().has_value());
            }
            REQUIRE(deaths.await_count(1));
        }
        const std::string file = deaths.all().front().repro.string();
        REQUIRE(file != "");
        const Ran ran = bulkhead({"replay", file});
        CHECK_MESSAGE(ran.code == 0, ran.out << ran.err);
        CHECK(contains(ran.out, "again: start and stop of plugin perils 1.0.0; its worker crashed with SIGSEGV (11)"));
        CHECK(contains(ran.out, "it died again in the same way, at the same instruction\n"));
        CHECK(bulkhead({"replay", file, "--gdb"}).code == 2);
        std::string text = text_of_file(file);
        const std::string_view name = place;
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name)) {
            text.replace(at, name.size(), name.size(), '-');  // nor is it in the configuration any more
        }
        std::ofstream(file, std::ios::binary) << text;
        const Ran none = bulkhead({"replay", file});
        CHECK(none.code == 1);
        CHECK_MESSAGE(contains(none.out, "it did not die again: it started and stopped\n"), none.out);
    }
}

TEST_CASE("of starts that die in the same way again and again, the first leaves a repro") {
    const ScratchFolder scratch;
    HostOptions options = host_options();
    options.reports = scratch.path();
    const auto changes =
        nlohmann::json{{"config", {{"fault", "crash_in_load"}}}, {"state", {{"when_refused", "down"}}}};
    const Service service("keeper", changes, options);
    REQUIRE(service.plugin().call("add", "9").has_value());
    CHECK(summary(service.plugin().call("die", "")) == "crashed/unknown");
    REQUIRE(service.deaths().await_count(3));
    const auto deaths = service.deaths().all();
    CHECK(deaths[0].repro != "");
    CHECK(deaths[1].repro != "");
    CHECK(deaths[2].repro == "");
    CHECK(contains(deaths[2].text(), "no repro was saved: the former death of this kind left one\n"));
}

TEST_CASE("an exit with another code, or no death at all, is 1") {
    const Kept kept;
    const PluginFolder folder("faulty");
    const std::string file = kept.repro(kept.crash(folder.path().string(), "exit", "3"));
    CHECK(bulkhead({"replay", file}).code == 0);
    std::string text = text_of_file(file);
    text.back() = '4';  // the request is the last of it
    std::ofstream(file, std::ios::binary) << text;
    const Ran other = bulkhead({"replay", file});
    CHECK(other.code == 1);
    CHECK_MESSAGE(contains(other.out, "it died in another way, it exited with code 4"), other.out);
    text.replace(text.find("\"method\":\"exit\""), 15, "\"method\":\"echo\"");
    std::ofstream(file, std::ios::binary) << text;
    const Ran none = bulkhead({"replay", file});
    CHECK(none.code == 1);
    CHECK_MESSAGE(contains(none.out, "it did not die again: it replied with 1 byte"), none.out);
}

TEST_CASE("a library that was changed since is noted, and one that is gone is an error") {
    const Kept kept;
    const PluginFolder folder("faulty");
    const std::string file = kept.repro(kept.crash(folder.path().string(), "segfault"));
    CHECK_FALSE(contains(bulkhead({"replay", file}).out, "note:"));
    const fs::path library = folder.path() / "libfaulty.so";
    std::ofstream(library, std::ios::binary | std::ios::app) << "x";
    const Ran changed = bulkhead({"replay", file});
    CHECK(changed.code == 0);
    CHECK(contains(changed.out,
                   "note: the library " + library.string() + " is not the one that died: it was changed since\n"));
    fs::remove(library);
    CHECK(bulkhead({"replay", file}).code == 3);
}

TEST_CASE("a file that cannot be replayed is refused in one sentence") {
    const ScratchFolder scratch;
    const std::string file = (scratch.path() / "some.repro").string();
    CHECK(bulkhead({"replay", file}).err == "bulkhead: the file " + file +
                                                " cannot be read: No such file or directory; name a .repro, as "
                                                "`bulkhead reports ID` does\n");
    std::ofstream(file) << "{}";
    const Ran ran = bulkhead({"replay", file});
    CHECK(ran.code == 2);
    CHECK(ran.err == "bulkhead: the file " + file +
                         " cannot be run again: it is no repro file; name a .repro, as `bulkhead reports ID` does\n");
}

TEST_CASE("without gdb, --gdb is refused, and with it, the crash happens under its eyes") {
    const Kept kept;
    const std::string file = kept.repro(kept.crash(kFaulty, "segfault"));
    const ScratchFolder empty;
    const Ran missing = bulkhead({"replay", file, "--gdb"}, {.environment = {{"PATH", empty.path().string()}}});
    CHECK(missing.code == 3);
    CHECK(missing.err == "bulkhead: gdb is not there; install it, or replay without --gdb\n");
    if (run_program("/bin/sh", {"-c", "command -v gdb"}).code != 0) {
        return;
    }
    const Ran ran = bulkhead({"replay", file, "--gdb"}, {.environment = {{"DEBUGINFOD_URLS", ""}}});
    CAPTURE(ran.out);
    CAPTURE(ran.err);
    if (ran.code == 3 && contains(ran.err, "ptrace")) {
        return;  // this machine lets nobody attach
    }
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, "received signal SIGSEGV"));
    CHECK(contains(ran.out, "it died again in the same way"));
}

}  // namespace
}  // namespace bulkhead::tests
