// What a server can learn about its plugins: manifests, libraries, status, and what the host tells of their lives.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/on_one_core.hpp"
#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("a manifest is described with its defaults, and the library need not be there") {
    const PluginFolder folder("greeter", {{"limits", {{"payload", 1000}}}, {"library", "later.so"}});
    const auto manifest = describe_manifest(folder.path());
    REQUIRE(manifest.has_value());
    CHECK(manifest->name == "greeter");
    CHECK(manifest->version == "1.0.0");
    CHECK(manifest->library == "later.so");
    CHECK(manifest->payload == 1000);
    CHECK(manifest->in_flight == 256);
    CHECK(manifest->call == std::chrono::seconds(30));
    CHECK(manifest->restarts == 5);
    CHECK(manifest->config == "{}");
    CHECK(contains(manifest->settings, R"("payload":1000)"));
    CHECK(contains(manifest->settings, R"("policy":"permanent")"));
    const auto missing = describe_manifest(folder.path() / "nowhere");
    REQUIRE(missing.has_error());
    CHECK(missing.error().code == ErrorCode::bad_manifest);
}

TEST_CASE("a plugin is loaded with a manifest that is in no file") {
    Host host = make_host();
    const ManifestText text{R"({"name": "other", "version": "2", "library": "libgreeter.so"})",
                            built_plugin("greeter")};
    const auto plugin = host.load(text);
    REQUIRE(plugin.has_value());
    CHECK(plugin->name() == "other");
    CHECK(summary(plugin->call("greet", "you")) == "ok: Hello, you!");
    CHECK(describe_manifest(text)->version == "2");
    const auto wrong = host.load(ManifestText{"{", built_plugin("greeter")});
    REQUIRE(wrong.has_error());
    CHECK(wrong.error().code == ErrorCode::bad_manifest);
}

TEST_CASE("libraries are inspected without running any of their code, and nothing is left of it") {
    const Snapshot before = Snapshot::take();
    {
        Host host = make_host();
        const auto inspection = host.inspect(built_plugin("private_dependency"));
        REQUIRE(inspection.has_value());
        REQUIRE(inspection->libraries.size() == 3);
        const LibraryInspection& own = inspection->libraries.front();
        CHECK(own.file == "libprivate_dependency.so");
        CHECK(own.exports_entry);
        CHECK(own.exports == std::vector<std::string>{"bulkhead_plugin"});
        CHECK(own.import_count == own.imports.size());
        CHECK(std::find(own.needed.begin(), own.needed.end(), "libhelper.so") != own.needed.end());
        CHECK(inspection->libraries.back().soname == "libhelper.so");
        // Its constructor would crash.
        CHECK(host.inspect(built_plugin("constructor_crash")).has_value());
        CHECK(host.inspect(built_plugin("no_entry")).has_value());
        const auto truncated = host.inspect(built_plugin("truncated"));
        REQUIRE(truncated.has_error());
        CHECK(truncated.error().code == ErrorCode::load_failed);
        CHECK(host.plugins().empty());
    }
    CHECK(before.leftovers() == "");
}

TEST_CASE("the status follows a plugin through its lives") {
    Service service("faulty", {{"supervision", {{"restarts", 1}, {"quarantine_deaths", 0}}}});
    const Plugin plugin = service.plugin();
    const PluginStatus first = plugin.status();
    CHECK((first.state == PluginState::running));
    CHECK(first.incarnation == 1);
    CHECK(first.worker_pid == service.worker());
    REQUIRE(plugin.call("segfault", "").has_error());
    REQUIRE(service.serves_again());
    const PluginStatus second = plugin.status();
    CHECK(second.incarnation == 2);
    CHECK(second.worker_pid != first.worker_pid);
    CHECK(is_alive(static_cast<pid_t>(second.worker_pid)));
    REQUIRE(plugin.call("segfault", "").has_error());
    CHECK(eventually([&] { return plugin.status().state == PluginState::fatal; }));
    CHECK(plugin.status().worker_pid == 0);
    service.end_host();
    CHECK((plugin.status().state == PluginState::stopped));
}

// All but this one run when nobody else wants to, until they end.
void slow_down_other_threads() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        if (const pid_t thread = std::stoi(task.path().filename()); thread != ::gettid()) {
            REQUIRE(::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), 19) == 0);
        }
    }
}

TEST_CASE("a plugin that runs has a worker whose number is known, however early it answers") {
    const OnOneCore one;
    Service service("faulty", kEndlessRestarts);
    slow_down_other_threads();  // so that a worker is done with a call before the host has noted that it started it
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) {
            static_cast<void>(service.plugin().call("segfault", ""));
        }
    });
    while (service.plugin().stats().deaths < static_cast<std::uint64_t>(scaled(200))) {
        if (service.plugin().call("pid", "").has_value()) {
            const PluginStatus status = service.plugin().status();
            CHECK((status.state != PluginState::running || status.worker_pid != 0));
        }
    }
    stop = true;
    other.join();
}

TEST_CASE("the log tells of deaths, of the next lives and of the end of patience, in this order") {
    const Service service("faulty", {{"supervision", {{"restarts", 1}, {"quarantine_deaths", 0}}}});
    REQUIRE(service.plugin().call("segfault", "").has_error());
    REQUIRE(service.serves_again());
    REQUIRE(service.plugin().call("abort", "").has_error());
    REQUIRE(service.log().await([](const std::vector<LogLine>& lines) {
        return std::any_of(lines.begin(), lines.end(),
                           [](const LogLine& line) { return contains(line.text, "it is given up: "); });
    }));
    auto told = service.log().texts(LogSource::host);
    REQUIRE(told.size() == 4);
    // The successor may be quicker than the corpse.
    if (const std::string former = "its former worker "; told[1].starts_with(former)) {
        std::swap(told[0], told[1]);
        told[0].replace(0, former.size(), "its worker ");
    }
    CHECK(told[0] == "its worker crashed with SIGSEGV (11) while running 'segfault'");
    CHECK(told[1] == "its next worker serves (life 2)");
    CHECK(told[2] == "its worker crashed with SIGABRT (6) while running 'abort'");
    CHECK(told[3] ==
          "it is given up: its worker died too often (1 restarts within 10000 ms are allowed), at last it crashed with "
          "SIGABRT (6) while running 'abort'");
}

TEST_CASE("a crash in an orderly stop is told, and not held against the host's order") {
    for (const char* fault : {"crash", "hang"}) {
        CAPTURE(fault);
        Service service("faulty", {{"config", {{"stop", fault}}}, {"supervision", {{"stop_ms", 200}}}});
        const DeathCollector deaths = service.deaths();
        service.end_host();
        if (std::string(fault) == "hang") {
            CHECK(deaths.all().empty());  // the host killed it
            continue;
        }
        REQUIRE(deaths.all().size() == 1);
        CHECK(deaths.all()[0].cause == Cause::crash);
        CHECK(deaths.all()[0].clause() ==
              "crashed with SIGSEGV (11) in its destroy function while it was being stopped");
    }
}

}  // namespace
}  // namespace bulkhead::tests
