// bulkhead run, watched while it runs.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "support/command_line.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::tests {
namespace {

using Json = nlohmann::json;

// Waits for the next event of this name; events before it are passed over.
Json await_event(Program& program, const std::string& name, std::size_t& from) {
    Json found;
    const bool happened = eventually([&] {
        program.poll();
        const std::string& output = program.output();
        for (std::size_t end = output.find('\n', from); end != std::string::npos; end = output.find('\n', from)) {
            Json event = Json::parse(output.substr(from, end - from));
            from = end + 1;
            if (event["event"] == name) {
                found = std::move(event);
                return true;
            }
        }
        return false;
    });
    REQUIRE_MESSAGE(happened, "no event '" << name << "' came, but: " << program.output());
    return found;
}

TEST_CASE("plugins are kept running through deaths, and each event is told") {
    Program program(bulkhead_program(),
                    {"run", built_plugin("greeter").string(), built_plugin("faulty").string(), "--json"});
    std::size_t from = 0;
    CHECK(await_event(program, "started", from)["plugin"] == "greeter");
    const Json started = await_event(program, "started", from);
    CHECK(started["plugin"] == "faulty");
    const auto first = started["pid"].get<pid_t>();
    REQUIRE(::kill(first, SIGSEGV) == 0);
    const Json died = await_event(program, "died", from);
    CHECK(died["plugin"] == "faulty");
    CHECK(died["report"]["signal_name"] == "SIGSEGV");
    std::size_t from_start = 0;  // the next worker may serve before it is known how the former one died
    while (await_event(program, "host", from_start)["text"] != "its next worker serves (life 2)") {
    }
    CHECK(await_gone(first));
    REQUIRE(::kill(program.pid(), SIGTERM) == 0);
    CHECK(await_event(program, "program", from)["text"] == "stopping: SIGTERM");
    CHECK(await_event(program, "stopped", from)["deaths"] == 0);
    CHECK(await_event(program, "stopped", from)["deaths"] == 1);
    CHECK(program.await_end() == "exit 0");
}

TEST_CASE("for people an event is a line with time, level and plugin") {
    Program program(bulkhead_program(), {"run", built_plugin("greeter").string()});
    REQUIRE(eventually([&] {
        program.poll();
        return program.output().find('\n') != std::string::npos;
    }));
    CHECK(program.output().find(" info    greeter      started 1.0.0 with 1 method, process ") != std::string::npos);
    REQUIRE(::kill(program.pid(), SIGINT) == 0);
    CHECK(program.await_end() == "exit 0");
    CHECK(program.output().find("greeter      stopped after 0 deaths") != std::string::npos);
    CHECK(program.output().find('\x1b') == std::string::npos);
}

TEST_CASE("for people a death that leaves nothing to run again names its report") {
    const ScratchFolder scratch;
    Program program(bulkhead_program(),
                    {"run", built_plugin("greeter").string(), "--reports", scratch.path().string()});
    pid_t worker = 0;
    REQUIRE(eventually([&] {
        program.poll();
        const std::size_t at = program.output().find(", process ");
        worker = at != std::string::npos && program.output().find('\n', at) != std::string::npos
                     ? std::stoi(program.output().substr(at + 10))
                     : 0;
        return worker != 0;
    }));
    REQUIRE(::kill(worker, SIGKILL) == 0);
    CHECK_MESSAGE(eventually([&] {
                      program.poll();
                      return program.output().find("greeter      report greeter-1-") != std::string::npos;
                  }),
                  program.output());
    REQUIRE(::kill(program.pid(), SIGINT) == 0);
    CHECK(program.await_end() == "exit 0");
}

TEST_CASE("a plugin that dies too often is given up, and nothing is left to run for") {
    const PluginFolder folder("faulty", {{"supervision", {{"restarts", 1}, {"quarantine_deaths", 0}}}});
    Program program(bulkhead_program(), {"run", folder.path().string(), "--json"});
    std::size_t from = 0;
    REQUIRE(::kill(await_event(program, "started", from)["pid"].get<pid_t>(), SIGKILL) == 0);
    // In either order: what serves next does not wait for the exit status.
    std::set<std::string> told{await_event(program, "host", from)["text"].get<std::string>(),
                               await_event(program, "host", from)["text"].get<std::string>()};
    CHECK(told.contains("its next worker serves (life 2)"));
    CHECK((told.contains("its worker was killed with SIGKILL (9)") ||
           told.contains("its former worker was killed with SIGKILL (9)")));
    // The second life is in no event; it is the one that is called as its plugin.
    pid_t second = 0;
    REQUIRE(eventually([&] {
        for (const ProcessStatus& process : descendants_of(program.pid())) {
            second = process.name == "faulty" ? process.pid : second;
        }
        return second != 0;
    }));
    REQUIRE(::kill(second, SIGKILL) == 0);
    CHECK(program.await_end() == "exit 4");
    CHECK(program.output().find("it is given up: its worker died too often") != std::string::npos);
    CHECK(program.output().find("bulkhead: the plugin was given up after too many deaths") != std::string::npos);
}

TEST_CASE("a plugin that stays down as its policy says is nothing to run for either") {
    const PluginFolder folder("faulty", {{"supervision", {{"policy", "temporary"}, {"standby", 1}}}});
    Program program(bulkhead_program(), {"run", folder.path().string(), "--json"});
    std::size_t from = 0;
    REQUIRE(::kill(await_event(program, "started", from)["pid"].get<pid_t>(), SIGKILL) == 0);
    CHECK(program.await_end() == "exit 4");
    CHECK(program.output().find("it stays down: its worker ended and its policy is temporary") != std::string::npos);
    CHECK(program.output().find("bulkhead: the plugin stays down; `bulkhead reports` tells how") != std::string::npos);
}

TEST_CASE("a transient plugin that ends by itself is done, and so is the program") {
    const PluginFolder folder("keeper", {{"config", {{"exit_ms", 50}}}, {"supervision", {{"policy", "transient"}}}});
    Program program(bulkhead_program(), {"run", folder.path().string()});
    CHECK(program.await_end() == "exit 0");
    CHECK(program.output().find("the plugin has ended") != std::string::npos);
}

TEST_CASE("how long a plugin waits after deaths without service is told") {
    const PluginFolder folder("keeper", {{"config", {{"exit_ms", 50}}}, {"supervision", {{"restarts", 3}}}});
    Program program(bulkhead_program(), {"run", folder.path().string()});
    CHECK(program.await_end() == "exit 4");
    CHECK(program.output().find("its next worker is started in ") != std::string::npos);
}

TEST_CASE("a plugin that cannot be loaded ends it with 3, and the others are stopped") {
    const Ran ran = bulkhead({"run", built_plugin("greeter").string(), built_plugin("create_fails").string()});
    CHECK(ran.code == 3);
    CHECK(ran.err.find("the licence has expired") != std::string::npos);
    const std::string greeter = built_plugin("greeter").string();
    const Ran twice = bulkhead({"run", greeter, greeter});
    CHECK(twice.code == 2);
    CHECK(twice.err == "bulkhead: a plugin named 'greeter' is loaded already or being unloaded\n");
}

// Run with a plugin that never is ready, until its worker is there.
struct Starting {
    explicit Starting(int milliseconds)
        : folder("create_hangs", {{"supervision", {{"start_ms", milliseconds}, {"start_attempts", 1}}}}),
          program(bulkhead_program(), {"run", folder.path().string()}) {
        REQUIRE(eventually([&] {
            const auto all = descendants_of(program.pid());
            return std::any_of(all.begin(), all.end(), [](const auto& one) { return one.name == "create_hangs"; });
        }));
    }
    bool says(const std::string& text) {
        return eventually([&] {
            program.poll();
            return program.output().find(text) != std::string::npos;
        });
    }

    PluginFolder folder;
    Program program;
};

TEST_CASE("a signal is heard while a plugin is loaded, and a second one ends the program at once") {
    Starting starting(600'000);
    REQUIRE(::kill(starting.program.pid(), SIGINT) == 0);
    CHECK_MESSAGE(starting.says("stopping: SIGINT"), starting.program.output());
    // When it has stopped listening rings no bell here.
    CHECK(eventually([&] {
        ::kill(starting.program.pid(), SIGINT);
        return status_of(starting.program.pid()).state == 'Z';
    }));
    CHECK(starting.program.await_end() == "signal 2");
}

TEST_CASE("a start that fails after the signal is told all the same") {
    Starting starting(5'000);
    REQUIRE(::kill(starting.program.pid(), SIGTERM) == 0);
    CHECK_MESSAGE(starting.says("stopping: SIGTERM"), starting.program.output());
    CHECK(starting.program.await_end() == "exit 3");
    CHECK(starting.program.output().find("it was not ready within 5000 ms") != std::string::npos);
}

TEST_CASE("when its reader is gone it stops at the next event") {
    const Ran ran = bulkhead({"run", built_plugin("greeter").string()}, {.unread_output = true});
    CHECK(ran.code == 6);
    CHECK(ran.err == "bulkhead: standard output cannot be written any more; look at where it goes\n");
}

}  // namespace
}  // namespace bulkhead::tests
