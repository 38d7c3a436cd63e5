// bulkhead replay --gdb: gdb comes and goes, and the terminal is the user's again.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/command_line.hpp"
#include "support/outcomes.hpp"
#include "support/places.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A saved call of the plugin `faulty` that dies.
struct Saved {
    explicit Saved(const std::string& timeout = "30s") {
        const Ran ran = bulkhead({"call", built_plugin("faulty").string(), "segfault", "--timeout", timeout,
                                  "--reports", scratch.path().string(), "--json"});
        REQUIRE_MESSAGE(ran.code == 4, ran.out << ran.err);
        file = scratch.path() / (ran.json()["report"]["id"].get<std::string>() + ".repro");
    }
    // From now on it hangs instead.
    void let_hang() const {
        std::string text = content_of(file);
        const std::string method = "\"method\":\"segfault\"";
        text.replace(text.find(method), method.size(), "\"method\":\"hang\"");
        std::ofstream(file, std::ios::binary) << text;
    }

    ScratchFolder scratch;
    fs::path file;
};

// A program of this name that comes before gdb in the path.
struct FalseDebugger {
    explicit FalseDebugger(const std::string& script) {
        const fs::path program = scratch.path() / "gdb";
        std::ofstream(program) << "#!/bin/sh\n" << script;
        fs::permissions(program, fs::perms::owner_all);
    }
    Ran replay(const Saved& saved) const {
        const std::string path = scratch.path().string() + ":/usr/bin:/bin";
        return bulkhead({"replay", saved.file.string(), "--gdb"}, {.environment = {{"PATH", path}}});
    }

    ScratchFolder scratch;
};

pid_t descendant_named(pid_t of, const std::string& name) {
    for (const ProcessStatus& process : descendants_of(of)) {
        if (process.name == name && process.state != 'Z') {
            return process.pid;
        }
    }
    return 0;
}

// So many ticks of a processor's time did it use so far.
long ticks_of(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string field;
    for (int number = 1; number <= 14; ++number) {  // user time; the worker's name has no blank
        stat >> field;
    }
    return stat ? std::stol(field) : 0;
}

// A hanging call that is replayed under gdb. It turns on the spot, which shows that it has begun.
class Hanging {
  public:
    explicit Hanging(const Saved& saved) : program_(bulkhead_program(), {"replay", saved.file.string(), "--gdb"}) {}

    // False: there is no gdb, or this machine lets nobody attach.
    bool await_begun() {
        constexpr long kBusy = 20;
        eventually([&] {
            const pid_t worker = descendant_named(program_.pid(), "faulty");
            return status_of(program_.pid()).state == 'Z' || (worker != 0 && ticks_of(worker) > kBusy);
        });
        if (status_of(program_.pid()).state != 'Z') {
            return true;
        }
        program_.poll();
        CHECK_MESSAGE((contains(program_.output(), "ptrace") || contains(program_.output(), "gdb is not there")),
                      program_.output());
        return false;
    }
    void end_gdb() const {
        const pid_t gdb = descendant_named(program_.pid(), "gdb");
        REQUIRE(gdb != 0);
        REQUIRE(::kill(gdb, SIGKILL) == 0);
    }
    Program& program() { return program_; }

  private:
    Program program_;
};

TEST_CASE("a call that hangs has its usual time when gdb was left") {
    const Saved saved("400ms");
    saved.let_hang();
    Hanging hanging(saved);
    if (!hanging.await_begun()) {
        return;
    }
    hanging.end_gdb();
    CHECK(hanging.program().await_end() == "exit 1");
    CHECK_MESSAGE(
        contains(hanging.program().output(), "it did not die again: the call had not ended 400 ms after gdb was left"),
        hanging.program().output());
}

TEST_CASE("Ctrl-C is the program's again when gdb was left, although the call goes on") {
    const Saved saved("1m");
    saved.let_hang();
    Hanging hanging(saved);
    if (!hanging.await_begun()) {
        return;
    }
    REQUIRE(::kill(hanging.program().pid(), SIGINT) == 0);  // gdb's
    hanging.end_gdb();
    // When it has noticed rings no bell here.
    CHECK(eventually([&] {
        ::kill(hanging.program().pid(), SIGINT);
        return status_of(hanging.program().pid()).state == 'Z';
    }));
    CHECK(hanging.program().await_end() == "signal 2");
}

TEST_CASE("gdb does not wait for a key before it has continued the worker") {
    const Saved saved;
    const FalseDebugger gdb("printf '%s|' \"$@\" > \"$(dirname \"$0\")/words\"\n");
    CHECK(gdb.replay(saved).code == 3);
    const std::string words = content_of(gdb.scratch.path() / "words");
    CHECK_MESSAGE(words.find("|-iex|set pagination off|") < words.find("|--pid|"), words);
}

TEST_CASE("a debugger that has let go of the worker has not continued it") {
    const Saved saved;
    const FalseDebugger gdb("printf x >&3\n");
    const Ran ran = gdb.replay(saved);
    CHECK(ran.code == 3);
    CHECK_MESSAGE(contains(ran.err, "gdb ended before the request was sent"), ran.out << ran.err);
}

}  // namespace
}  // namespace bulkhead::tests
