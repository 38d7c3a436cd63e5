// Many threads on one plugin, many plugins in a host, many hosts in a process.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("eight threads call one plugin, and no reply belongs to another's call") {
    Service service;
    std::atomic<long> wrong{0};
    std::vector<std::thread> callers;
    const int turns = scaled(10'000);
    for (int thread = 0; thread < 8; ++thread) {
        callers.emplace_back([&, thread] {
            for (int turn = 0; turn < turns; ++turn) {
                std::string request = std::to_string(thread) + "." + std::to_string(turn) + ".";
                request.resize(static_cast<std::size_t>(20 + turn % 7 * 40), static_cast<char>('a' + thread));
                const auto outcome = service.plugin().call("echo", request);
                wrong += outcome && outcome->text() == request ? 0 : 1;
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(wrong == 0);
    const Stats stats = service.plugin().stats();
    CHECK(stats.succeeded == static_cast<std::uint64_t>(8L * turns));
    CHECK(stats.latency.count() == stats.succeeded);
    CHECK(stats.latency.quantile(0.5) > std::chrono::nanoseconds(0));
    CHECK(unaccounted(stats) == "");
}

TEST_CASE("twenty plugins serve side by side while some of them crash") {
    Host host = make_host();
    std::vector<std::unique_ptr<PluginFolder>> folders;
    std::vector<Plugin> plugins;
    for (int index = 0; index < 20; ++index) {
        folders.push_back(std::make_unique<PluginFolder>(
            "faulty", merged(kEndlessRestarts, {{"name", "faulty" + std::to_string(index)}})));
        plugins.push_back(load(host, *folders.back()));
    }
    CHECK(host.plugins().size() == 20);
    std::atomic<long> wrong{0};
    std::vector<std::thread> callers;
    for (int thread = 0; thread < 4; ++thread) {
        callers.emplace_back([&, thread] {
            for (int turn = 0; turn < scaled(1000); ++turn) {
                const std::size_t index = static_cast<std::size_t>(turn * 7 + thread) % plugins.size();
                const bool crasher = index % 5 == 0 && turn % 20 == 0;
                const std::string name = plugins[index].name();
                const auto outcome = plugins[index].call(crasher ? "abort" : "echo", name);
                const bool right = crasher ? outcome.has_error() && outcome.error().code == ErrorCode::crashed
                                           : outcome.has_value() && outcome->text() == name;
                wrong += right ? 0 : 1;
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(wrong == 0);
    for (const Plugin& plugin : plugins) {
        CHECK(unaccounted(plugin.stats()) == "");
        CHECK((plugin.name().ends_with('0') || plugin.name().ends_with('5') || plugin.stats().deaths == 0));
    }
}

TEST_CASE("plugins can be loaded from several threads at once") {
    Host host = make_host();
    std::vector<std::unique_ptr<PluginFolder>> folders;
    for (int index = 0; index < 8; ++index) {
        folders.push_back(
            std::make_unique<PluginFolder>("greeter", nlohmann::json{{"name", "greeter" + std::to_string(index)}}));
    }
    std::atomic<int> loaded{0};
    std::vector<std::thread> loaders;
    for (const auto& folder : folders) {
        loaders.emplace_back([&host, &loaded, path = folder->path()] {
            const auto plugin = host.load(path);
            loaded += plugin && summary(plugin->call("greet", "you")) == "ok: Hello, you!" ? 1 : 0;
        });
    }
    for (std::thread& loader : loaders) {
        loader.join();
    }
    CHECK(loaded == 8);
    CHECK(host.plugins().size() == 8);
}

// Whether the server has so many descriptors more for `count` more plugins of one library, each of them called. Soon:
// what it learns of a process it learns when the plugin has begun to serve.
bool cost(long descriptors, Host& host, int count, std::vector<std::unique_ptr<PluginFolder>>& folders) {
    await_family_of(::getpid());
    const auto before = static_cast<long>(Snapshot::take().descriptors.size());
    for (int index = 0; index < count; ++index) {
        folders.push_back(std::make_unique<PluginFolder>(
            "faulty", merged(kEndlessRestarts, {{"name", "faulty" + std::to_string(folders.size())}})));
        const Plugin plugin = load(host, *folders.back());
        const std::string large(100'000, 'x');
        REQUIRE(summary(plugin.call("echo", large)) == "ok: " + large);
    }
    return eventually([&] { return static_cast<long>(Snapshot::take().descriptors.size()) - before == descriptors; });
}

TEST_CASE("a plugin costs the server two descriptors, and a library one for all plugins that have it") {
    Host host = make_host();
    std::vector<std::unique_ptr<PluginFolder>> folders;
    CHECK(cost(2 + 1, host, 1, folders));
    CHECK(cost(10 * 2, host, 10, folders));
    const auto before = static_cast<long>(Snapshot::take().descriptors.size());
    const Plugin plugin = host.plugins().front();
    CHECK(summary(plugin.call("abort", "")) == "crashed/unknown");
    REQUIRE(eventually([&] { return summary(plugin.call("echo", "x")) == "ok: x"; }));
    // The explainer of that death may still be at work.
    CHECK(eventually([&] { return static_cast<long>(Snapshot::take().descriptors.size()) == before; }));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // shadows of memory are memory
// Of this process and all below it, in KiB; a page that several map counts in parts.
long memory_of_family() {
    std::vector<pid_t> family{::getpid()};
    for (const ProcessStatus& process : descendants_of(::getpid())) {
        family.push_back(process.pid);
    }
    long sum = 0;
    for (const pid_t process : family) {
        std::ifstream stream("/proc/" + std::to_string(process) + "/smaps_rollup");
        for (std::string line; std::getline(stream, line);) {
            sum += line.starts_with("Pss:") ? std::stol(line.substr(4)) : 0;
        }
    }
    return sum;
}

TEST_CASE("a plugin that is idle takes less than a megabyte, whatever its limits allow") {
    Host host = make_host();
    std::vector<std::unique_ptr<PluginFolder>> folders;
    const auto load_some = [&](int count) {
        for (int index = 0; index < count; ++index) {
            folders.push_back(std::make_unique<PluginFolder>(
                "greeter", nlohmann::json{{"name", "greeter" + std::to_string(folders.size())},
                                          {"limits", {{"payload", 64 << 20}, {"in_flight_bytes", 256 << 20}}}}));
            REQUIRE(summary(load(host, *folders.back()).call("greet", "you")) == "ok: Hello, you!");
        }
    };
    load_some(2);
    const long before = memory_of_family();
    load_some(20);
    CHECK((memory_of_family() - before) / 20 < 1024);
}
#endif

TEST_CASE("of several loads of one name at a time exactly one succeeds") {
    Host host = make_host();
    const PluginFolder folder("greeter");
    std::atomic<int> loaded{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> loaders;
    for (int thread = 0; thread < 6; ++thread) {
        loaders.emplace_back([&] {
            const auto plugin = host.load(folder.path());
            ++(plugin ? loaded : refused);
            CHECK((plugin || plugin.error().code == ErrorCode::invalid_argument));
        });
    }
    for (std::thread& loader : loaders) {
        loader.join();
    }
    CHECK(loaded == 1);
    CHECK(refused == 5);
}

TEST_CASE("hosts beside each other do not know each other") {
    Service one;
    Service other;
    CHECK(summary(one.plugin().call("segfault", "")) == "crashed/unknown");
    CHECK(summary(other.plugin().call("echo", "x")) == "ok: x");
    one.end_host();
    CHECK(summary(other.plugin().call("echo", "x")) == "ok: x");
    CHECK(other.plugin().stats().deaths == 0);
    CHECK(other.deaths().all().empty());
}

}  // namespace
}  // namespace bulkhead::tests
