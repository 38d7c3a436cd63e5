#include "programs/server.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/places.hpp"
#include "support/plugin_folder.hpp"
#include "support/processes.hpp"
#include "support/until.hpp"

namespace bulkhead::programs {

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

void expect(bool condition, const std::string& sentence) {
    if (!condition) {
        say("FAILED: " + sentence);
        std::_Exit(EXIT_FAILURE);
    }
}

Host make_host(HostOptions options) {
    auto host = Host::create(std::move(options));
    expect(host.has_value(), host ? "" : host.error().message);
    return *std::move(host);
}

Host make_host() { return make_host(tests::host_options()); }

Plugin load(Host& host, std::string_view plugin, const nlohmann::json& changes) {
    auto loaded = host.load(ManifestText{tests::changed_manifest(plugin, changes).dump(), tests::built_plugin(plugin)});
    expect(loaded.has_value(), loaded ? "" : loaded.error().message);
    return *std::move(loaded);
}

void expect_echo(const Plugin& plugin, std::string_view text) {
    const auto answer = plugin.call("echo", text);
    expect(answer.has_value(), answer ? "" : answer.error().message);
    expect(answer->text() == text, "the echo is another one");
}

void expect_echo_soon(const Plugin& plugin, std::string_view text) {
    expect(tests::eventually([&] { return plugin.call("echo", text).has_value(); }), "the plugin does not come back");
    expect_echo(plugin, text);
}

void serve_through_deaths(const Plugin& plugin) {
    expect_echo(plugin, "first");
    for (int crash = 0; crash < 3; ++crash) {
        const auto outcome = plugin.call("segfault", "");
        expect(outcome.has_error() && outcome.error().code == ErrorCode::crashed, "a crash is not told as one");
        expect(outcome.error().report->signal == SIGSEGV, "the signal of a crash is not known");
        expect_echo(plugin, "after a crash");
    }
    for (const auto member : {&tests::Family::fork_server, &tests::Family::guard}) {
        const tests::Family family = tests::await_family_of(::getpid());
        expect(family.*member != 0, "guard or fork server is not there");
        const auto worker = plugin.call("pid", "");
        expect(worker.has_value(), "the worker does not tell its number");
        ::kill(family.*member, SIGKILL);
        expect(tests::await_gone(family.*member), "a process cannot be killed");
        // It dies a little later, and until then it answers.
        expect(tests::await_gone(std::stoi(std::string(worker->text()))), "a worker outlives its parents");
        expect_echo_soon(plugin, "after the death of a parent");
    }
}

}  // namespace bulkhead::programs
