// bulkhead run: keeps plugins running and tells what happens to them.
#include <algorithm>
#include <atomic>
#include <bulkhead/host/host.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "console.hpp"
#include "event_printer.hpp"
#include "failure.hpp"
#include "plugin_path.hpp"
#include "report_place.hpp"
#include "stop_signals.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kRunFooter[] =
    "Prints when plugins start, die, are restarted and are given up, and what they print and log. SIGINT (Ctrl-C) or\n"
    "SIGTERM stops them in order; a second one ends them at once. The exit code is 0 after such a signal, 3 when one\n"
    "cannot be loaded. When none is left it ends too: with 4 when they were given up because they died too often, or\n"
    "stay down after a death as their supervision.policy says; with 0 when they ended by exit(0).\n\n"
    "Examples:\n"
    "  bulkhead run build/greeter build/counter\n"
    "  bulkhead run build/greeter --json | tee events.jsonl\n";

struct WantedRun {
    std::vector<std::string> plugins;
    bool json = false;
    ReportPlace reports;
};

bool all_are(const std::vector<Plugin>& plugins, std::initializer_list<PluginState> states) {
    return std::all_of(plugins.begin(), plugins.end(), [states](const Plugin& plugin) {
        return std::find(states.begin(), states.end(), plugin.status().state) != states.end();
    });
}

// Nobody is left to run for.
ExitCode end_of(const std::vector<Plugin>& plugins, bool in_order, EventPrinter& printer) {
    const bool one = plugins.size() == 1;
    if (all_are(plugins, {PluginState::fatal})) {
        throw Failure(ExitCode::lost, std::string(one ? "the plugin was" : "all plugins were") +
                                          " given up after too many deaths; `bulkhead check PLUGIN` looks for the "
                                          "cause");
    }
    if (!in_order) {
        throw Failure(ExitCode::lost, std::string(one ? "the plugin stays" : "all plugins stay") +
                                          " down; `bulkhead reports` tells how the last worker died");
    }
    printer.tell(one ? "the plugin has ended" : "all plugins have ended");
    return ExitCode::done;
}

// Until a signal, the end of our output, or of the last plugin. `in_order`: none died of anything but exit(0).
ExitCode watch(const std::vector<Plugin>& plugins, StopSignals& signals, const std::atomic<bool>& in_order,
               EventPrinter& printer) {
    while (printer.is_writable()) {
        if (signals.wait() == StopSignals::Woken::by_signal) {
            printer.tell("stopping: " + signals.name());
            return ExitCode::done;
        }
        if (all_are(plugins, {PluginState::fatal, PluginState::stopped})) {
            return end_of(plugins, in_order, printer);
        }
    }
    throw Failure(ExitCode::output_failed, "standard output cannot be written any more; look at where it goes");
}

ExitCode run(const WantedRun& wanted) {
    StopSignals signals;  // before the host's threads and processes are there
    EventPrinter printer(wanted.json ? EventPrinter::Form::json : EventPrinter::Form::lines);
    HostOptions options;
    options.log = [&](const LogLine& line) {
        printer.line(line);
        signals.wake();
    };
    options.on_death = [&](const Report& report) { printer.death(report); };
    std::atomic<bool> in_order{true};
    options.on_event = [&](const PluginEvent& event) {
        const bool by_itself = event.report && event.report->cause == Cause::exit && event.report->exit_code == 0;
        if (event.to == PluginState::fatal || (event.to == PluginState::stopping && !by_itself)) {
            in_order = false;
        }
        signals.wake();
    };
    wanted.reports.apply(options);
    Host host = make_host(std::move(options));
    std::vector<Plugin> plugins;
    for (const std::string& named : wanted.plugins) {
        plugins.push_back(PluginPath(named).load(host));
        printer.started(plugins.back());
    }
    const ExitCode code = watch(plugins, signals, in_order, printer);
    signals.release();  // a second signal ends the program, and with it the guard ends all workers
    for (const Plugin& plugin : plugins) {
        static_cast<void>(host.unload(plugin.name()));
        printer.stopped(plugin);
    }
    return code;
}

}  // namespace

void add_run_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedRun>();
    CLI::App* const command = program.add_subcommand("run", "Keep plugins running and print what happens to them");
    command->footer(kRunFooter);
    command->add_option("PLUGINS", wanted->plugins, "Folders of plugins, their plugin.json, or libraries")
        ->type_name("")
        ->required();
    command->add_flag("--json", wanted->json, "Print each event as an object on a line");
    wanted->reports.add_options(*command);
    command->callback([wanted, &action] { action = [wanted] { return run(*wanted); }; });
}

}  // namespace bulkhead::cli
