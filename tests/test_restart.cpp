// start() and restart() of a plugin that others start, or that starts itself.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/refusals.hpp"
#include "support/scale.hpp"
#include "support/scratch_folder.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("start and restart wait for how a start ends that is under way, whoever began it") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    Service service("keeper", merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}},
                                                        {"supervision", {{"start_attempts", 0}}}}));
    std::ofstream(trap).put('.');  // from now on create crashes
    CHECK(summary(service.plugin().call("crash", "")) == "crashed/unknown");
    REQUIRE(eventually([&] { return service.plugin().status().state == PluginState::fatal; }));
    service.plugin().reset();
    CHECK(service.plugin().start().has_error());
    service.plugin().reset();
    CHECK(service.plugin().restart().has_error());
    CHECK(service.plugin().status().state == PluginState::fatal);
    REQUIRE(std::filesystem::remove(trap));
    service.plugin().reset();
    CHECK(service.plugin().start().has_value());
    CHECK(service.plugin().status().state == PluginState::running);
}

TEST_CASE("restart replaces a worker that has only just begun to serve") {
    Service service;
    for (int round = 0; round < scaled(100); ++round) {
        const std::uint32_t former = service.plugin().status().incarnation;
        const pid_t worker = service.worker();
        REQUIRE(::kill(worker, SIGKILL) == 0);
        REQUIRE(await_gone(worker));
        PluginStatus status;
        REQUIRE(eventually([&] {
            status = service.plugin().status();
            return status.state == PluginState::running && status.incarnation > former;
        }));
        REQUIRE(service.plugin().restart().has_value());
        CHECK(service.plugin().status().incarnation > status.incarnation);
    }
}

TEST_CASE("a restart that fails says why, and whether anybody serves") {
    const ScratchFolder scratch;
    const std::string trap = scratch.path() / "trap";
    Service service("keeper", merged(kEndlessRestarts, {{"environment", {{"KEEPER_TRAP", trap}}}}));
    REQUIRE(summary(service.plugin().call("add", "5")) == "ok: 5");
    const pid_t worker = service.worker();
    std::ofstream(trap).put('.');  // from now on create crashes
    const auto failed = service.plugin().restart();
    REQUIRE(failed.has_error());
    CHECK(failed.error().code == ErrorCode::load_failed);
    check_sentence(failed.error().message, {"plugin keeper was not restarted", "SIGSEGV", "in its create function",
                                            "its former worker serves on"});
    CHECK(service.worker() == worker);
    CHECK(summary(service.plugin().call("get", "")) == "ok: 5");
}

TEST_CASE("a restart that a stop or an unload comes between ends as stopped") {
    for (const bool unloads : {false, true}) {
        CAPTURE(unloads);
        Service service("keeper", merged(kEndlessRestarts, {{"config", {{"create_ms", 1000}}}}));
        auto restarted = std::async(std::launch::async, [plugin = service.plugin()] { return plugin.restart(); });
        REQUIRE(eventually([] { return family_of(::getpid()).others.size() == 2; }));
        CHECK((unloads ? service.host().unload("keeper") : service.plugin().stop()).has_value());
        const auto outcome = restarted.get();
        REQUIRE(outcome.has_error());
        CHECK(outcome.error().code == ErrorCode::stopped);
        check_sentence(outcome.error().message, {"plugin keeper was not restarted", unloads ? "unloaded" : "stopped"});
    }
}

}  // namespace
}  // namespace bulkhead::tests
