// bulkhead run: keeps plugins running and tells what happens to them.
#include <algorithm>
#include <bulkhead/host/host.hpp>
#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "console.hpp"
#include "event_printer.hpp"
#include "failure.hpp"
#include "plugin_path.hpp"
#include "stop_signals.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kFooter[] =
    "Prints when plugins start, die, are restarted and are given up, and what they print and log. SIGINT (Ctrl-C) or\n"
    "SIGTERM stops them in order; a second one ends them at once. The exit code is 0 after such a signal, 3 when one\n"
    "cannot be loaded, 4 when all were given up because they died too often.\n\n"
    "Examples:\n"
    "  bulkhead run build/greeter build/counter\n"
    "  bulkhead run build/greeter --json | tee events.jsonl\n";

struct Wanted {
    std::vector<std::string> plugins;
    bool json = false;
};

bool all_given_up(const std::vector<Plugin>& plugins) {
    return std::all_of(plugins.begin(), plugins.end(),
                       [](const Plugin& plugin) { return plugin.status().state == PluginState::unavailable; });
}

// Until a signal, the end of our output, or of the last plugin.
ExitCode watch(const std::vector<Plugin>& plugins, StopSignals& signals, EventPrinter& printer) {
    while (printer.is_writable()) {
        if (signals.wait() == StopSignals::Woken::by_signal) {
            printer.tell("stopping: " + signals.name());
            return ExitCode::done;
        }
        if (all_given_up(plugins)) {
            throw Failure(ExitCode::lost, std::string(plugins.size() == 1 ? "the plugin was" : "all plugins were") +
                                              " given up after too many deaths; `bulkhead check PLUGIN` looks for "
                                              "the cause");
        }
    }
    return ExitCode::output_failed;
}

ExitCode run(const Wanted& wanted) {
    StopSignals signals;  // before the host's threads and processes are there
    EventPrinter printer(wanted.json ? EventPrinter::Form::json : EventPrinter::Form::lines);
    HostOptions options;
    options.log = [&](const LogLine& line) {
        printer.line(line);
        signals.wake();
    };
    options.on_death = [&](const Report& report) { printer.death(report); };
    Host host = make_host(std::move(options));
    std::vector<Plugin> plugins;
    for (const std::string& named : wanted.plugins) {
        plugins.push_back(PluginPath(named).load(host));
        printer.started(plugins.back());
    }
    const ExitCode code = watch(plugins, signals, printer);
    signals.release();  // a second signal ends the program, and with it the guard ends all workers
    for (const Plugin& plugin : plugins) {
        static_cast<void>(host.unload(plugin.name()));
        printer.stopped(plugin);
    }
    return code;
}

}  // namespace

void add_run_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<Wanted>();
    CLI::App* const command = program.add_subcommand("run", "Keep plugins running and print what happens to them");
    command->footer(kFooter);
    command->add_option("PLUGINS", wanted->plugins, "Folders of plugins, their plugin.json, or libraries")
        ->type_name("")
        ->required();
    command->add_flag("--json", wanted->json, "Print each event as an object on a line");
    command->callback([wanted, &action] { action = [wanted] { return run(*wanted); }; });
}

}  // namespace bulkhead::cli
