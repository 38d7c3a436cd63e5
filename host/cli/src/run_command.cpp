// bulkhead run: keeps plugins running and tells what happens to them.
#include <algorithm>
#include <atomic>
#include <bulkhead/host/host.hpp>
#include <exception>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
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

// What became of the plugins, as their events tell: a status can be there before the event that says why. Any thread.
class Course {
  public:
    void note(const PluginEvent& event) {
        const bool by_itself = event.report && event.report->cause == Cause::exit && event.report->exit_code == 0;
        const std::lock_guard lock(mutex_);
        states_[event.plugin] = event.to;
        if (event.to == PluginState::fatal || (event.to == PluginState::stopping && !by_itself)) {
            in_order_ = false;
        }
    }

    bool all_are(const std::vector<Plugin>& plugins, std::initializer_list<PluginState> states) const {
        const std::lock_guard lock(mutex_);
        return std::all_of(plugins.begin(), plugins.end(), [&](const Plugin& plugin) {
            const auto known = states_.find(plugin.name());
            return known != states_.end() && std::find(states.begin(), states.end(), known->second) != states.end();
        });
    }

    // None died of anything but exit(0).
    bool is_in_order() const {
        const std::lock_guard lock(mutex_);
        return in_order_;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::string, PluginState, std::less<>> states_;
    bool in_order_ = true;
};

// Nobody is left to run for.
ExitCode end_of(const std::vector<Plugin>& plugins, const Course& course, EventPrinter& printer) {
    const bool one = plugins.size() == 1;
    if (course.all_are(plugins, {PluginState::fatal})) {
        throw Failure(ExitCode::lost, std::string(one ? "the plugin was" : "all plugins were") +
                                          " given up after too many deaths; `bulkhead check PLUGIN` looks for the "
                                          "cause");
    }
    if (!course.is_in_order()) {
        throw Failure(ExitCode::lost, std::string(one ? "the plugin stays" : "all plugins stay") +
                                          " down; `bulkhead reports` tells how the last worker died");
    }
    printer.tell(one ? "the plugin has ended" : "all plugins have ended");
    return ExitCode::done;
}

// Until a signal, the end of our output, or of the last plugin.
ExitCode watch(const std::vector<Plugin>& plugins, StopSignals& signals, const Course& course, EventPrinter& printer) {
    while (printer.is_writable()) {
        if (signals.wait() == StopSignals::Woken::by_signal) {
            printer.tell("stopping: " + signals.name());
            return ExitCode::done;
        }
        if (course.all_are(plugins, {PluginState::fatal, PluginState::stopped})) {
            return end_of(plugins, course, printer);
        }
    }
    throw Failure(ExitCode::output_failed, "standard output cannot be written any more; look at where it goes");
}

// Loads plugins one after the other, on a thread of its own: signals must be heard meanwhile.
class Loading {
  public:
    Loading(const std::vector<std::string>& names, Host& host, EventPrinter& printer, StopSignals& signals)
        : thread_([this, &names, &host, &printer, &signals](const std::stop_token& given_up) {
              try {
                  for (auto name = names.begin(); name != names.end() && !given_up.stop_requested(); ++name) {
                      auto plugin = PluginPath(*name).try_load(host);
                      if (!plugin) {
                          throw failure_of(plugin.error(), *name, PluginOutput::shown);
                      }
                      plugins_.push_back(*std::move(plugin));
                      printer.started(plugins_.back());
                  }
              } catch (...) {
                  failure_ = std::current_exception();
              }
              is_done_ = true;
              signals.wake();
          }) {}

    bool is_done() const { return is_done_; }
    // Begins with no further one.
    void give_up() { thread_.request_stop(); }
    // Those that were loaded. Throws what kept one from it.
    std::vector<Plugin> await() {
        thread_.join();
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        return std::move(plugins_);
    }

  private:
    std::vector<Plugin> plugins_;
    std::exception_ptr failure_;
    std::atomic<bool> is_done_{false};
    std::jthread thread_;
};

// From its end on, a signal ends the program, and with it the guard ends all workers.
class Listening {
  public:
    explicit Listening(StopSignals& signals) : signals_(signals) {}
    ~Listening() { signals_.release(); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

  private:
    StopSignals& signals_;
};

// Until a first signal, or as watch() does. `plugins` become those that were loaded until then.
ExitCode load_and_watch(Loading& loading, std::vector<Plugin>& plugins, StopSignals& signals, const Course& course,
                        EventPrinter& printer) {
    const Listening listening(signals);
    while (!loading.is_done()) {
        if (signals.wait() == StopSignals::Woken::by_signal) {
            printer.tell("stopping: " + signals.name());
            loading.give_up();
            signals.release();
            plugins = loading.await();
            return ExitCode::done;
        }
    }
    plugins = loading.await();
    signals.wake();  // for what happened to them meanwhile
    return watch(plugins, signals, course, printer);
}

ExitCode run(const WantedRun& wanted) {
    StopSignals signals;  // before the host's threads and processes are there
    EventPrinter printer(wanted.json ? EventPrinter::Form::json : EventPrinter::Form::lines);
    HostOptions options;
    options.log = [&](const LogLine& line) {
        printer.line(line);
        signals.wake();
    };
    wanted.reports.apply(options);
    options.on_death = [&printer, is_kept = !options.reports.empty()](const Report& report) {
        printer.death(report, is_kept);
    };
    Course course;
    options.on_event = [&](const PluginEvent& event) {
        course.note(event);
        signals.wake();
    };
    Host host = make_host(std::move(options));
    std::vector<Plugin> plugins;
    Loading loading(wanted.plugins, host, printer, signals);
    const ExitCode code = load_and_watch(loading, plugins, signals, course, printer);
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
