// Step: a host and its plugins.
#include <unistd.h>

#include <set>
#include <string>

#include "common/wording.hpp"
#include "stage.hpp"
#include "support/places.hpp"
#include "support/plugin_folder.hpp"

namespace bulkhead::demo {
namespace {

// A plugin that crashes hundreds of times in seconds is more than the default allows.
constexpr std::uint64_t kManyRestarts = 100'000;

// A worker is called like its plugin. 0: there is none.
pid_t worker_of(const Plugin& plugin) {
    for (const tests::ProcessStatus& process : tests::descendants_of(::getpid())) {
        if (process.name == plugin.name()) {
            return process.pid;
        }
    }
    return 0;
}

std::optional<Plugin> load(Stage& stage, const std::filesystem::path& folder, Table& table) {
    const auto begin = std::chrono::steady_clock::now();
    const auto plugin = stage.host->load(folder);
    const auto time = std::chrono::steady_clock::now() - begin;
    if (!plugin) {
        stage.screen.check(false, plugin.error().message);
        return std::nullopt;
    }
    table.add({plugin->name(), plugin->version(), std::to_string(worker_of(*plugin)),
               std::to_string(plugin->methods().size()), duration_text(time)});
    return *plugin;
}

bool run_apart(const Stage& stage) {
    std::set<pid_t> processes{::getpid(), 0};
    for (const Plugin& plugin : stage.host->plugins()) {
        processes.insert(worker_of(plugin));
    }
    return processes.size() == stage.host->plugins().size() + 2;
}

}  // namespace

bool load_plugins(Stage& stage) {
    stage.screen.step("Load plugins");
    HostOptions options = tests::host_options();
    options.on_death = [deaths = stage.deaths](const Report& report) { deaths->add(report); };
    auto host = Host::create(std::move(options));
    if (!host) {
        return stage.screen.check(false, host.error().message);
    }
    stage.host.emplace(*std::move(host));

    Table table({Table::left("plugin"), Table::left("version"), Table::right("process"), Table::right("methods"),
                 Table::right("ready after")});
    stage.checksum = load(stage, tests::built_plugin("checksum"), table);
    stage.greeter = load(stage, tests::built_plugin("greeter"), table);
    if (kHasRustPlugin) {
        stage.greeter_rust = load(stage, tests::built_plugin("greeter-rust"), table);
    }
    // The folder is read while the plugin is loaded, and not needed any more after that.
    const tests::PluginFolder patient(
        "faulty", {{"supervision", {{"restarts", kManyRestarts}, {"backoff_ms", 0}, {"quarantine_deaths", 0}}}});
    stage.faulty = load(stage, patient.path(), table);
    stage.screen.table(table);
    stage.screen.line("the host is process " + std::to_string(::getpid()));
    return stage.screen.check(
        stage.checksum && stage.greeter && (stage.greeter_rust || !kHasRustPlugin) && stage.faulty && run_apart(stage),
        "each plugin runs in a process of its own");
}

}  // namespace bulkhead::demo
