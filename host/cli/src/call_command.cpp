// bulkhead call: one method of one plugin.
#include <atomic>
#include <bulkhead/host/host.hpp>
#include <bulkhead/host/report_json.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "console.hpp"
#include "death_watch.hpp"
#include "failure.hpp"
#include "json_text.hpp"
#include "plugin_path.hpp"
#include "report_place.hpp"
#include "request_source.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kCallFooter[] =
    "The request is sent as it is, and the reply printed as it is. PLUGIN is a folder with a plugin.json, that file,\n"
    "or a library. The exit code is 0 for a reply, 1 when the plugin answered with an error, 4 when the call was lost\n"
    "with its worker, 5 when it did not end in time. A death's report is kept for `bulkhead reports`, and its request\n"
    "for `bulkhead replay`. A death that cost the calls nothing, such as one in the stop, is told too, and changes no\n"
    "exit code.\n\n"
    "Examples:\n"
    "  bulkhead call build/greeter greet Ada\n"
    "  bulkhead call build/scaler scale '{\"by\": 2}'\n"
    "  bulkhead call build/image mirror --file photo.jpg > mirrored.png\n"
    "  echo '{}' | bulkhead call build/scaler scale - --json --timeout 500ms\n";

struct WantedCall {
    std::string plugin;
    std::string method;
    std::string request;
    std::string file;
    std::string timeout;
    std::uint32_t repeat = 1;
    bool json = false;
    bool log = false;
    ReportPlace reports;
};

void show_reply(const Bytes& reply) {
    print(reply.text());
    if (output_is_terminal() && !reply.text().ends_with('\n')) {
        print("\n");
    }
}

nlohmann::json json_of_outcome(const result<Bytes>& outcome, std::chrono::nanoseconds took) {
    nlohmann::json json;
    if (outcome) {
        json = {{"outcome", "reply"}, {"reply", json_of_bytes(outcome->text())}};
    } else {
        json = json_of(outcome.error());
    }
    json["milliseconds"] = std::chrono::duration<double, std::milli>(took).count();
    return json;
}

// The sentence, and what is known of a death.
void show_error(const Error& error, const WantedCall& wanted) {
    complain(advised(error, wanted.plugin, wanted.log ? PluginOutput::shown : PluginOutput::hidden));
    if (error.report && !wanted.json) {
        print_error(harmless(error.report->text()));
    }
}

// The same outcome with all that became known of a death.
template <typename T>
result<T> informed(result<T> outcome, const DeathWatch& deaths) {
    if (outcome || !outcome.error().report) {
        return outcome;
    }
    Error error = outcome.error();
    if (auto told = deaths.await(error.report->id)) {
        error.report = std::move(told);
    }
    return error;
}

// The death of the worker that a call hangs in, which ends when the host has been patient for long enough. Null: it
// lives, because the plugin noticed that nobody waits any more.
std::shared_ptr<const Report> hang_after(const Plugin& plugin, std::chrono::nanoseconds grace,
                                         const DeathWatch& deaths) {
    constexpr std::chrono::milliseconds kKilling{500};  // it is asked where it is, ended and buried
    constexpr std::chrono::seconds kReading{5};         // its stack, which the report waits for
    const auto before = plugin.stats().deaths;
    auto death = deaths.await_hang(grace + kKilling);
    return death || plugin.stats().deaths == before ? death : deaths.await_hang(kReading);
}

// What became of a call, of which text is shown already.
struct Answer {
    ExitCode code = ExitCode::done;
    nlohmann::json json;     // the line that is left to be printed, with --json
    std::string told_death;  // id of the report that it carries; empty: none
};

Answer call_once(const Plugin& plugin, const WantedCall& wanted, const std::string& request, const CallOptions& options,
                 const DeathWatch& deaths) {
    const auto begin = std::chrono::steady_clock::now();
    auto called = plugin.call(wanted.method, request, options);
    const auto took = std::chrono::steady_clock::now() - begin;
    auto outcome = informed(std::move(called), deaths);
    if (!outcome && outcome.error().code == ErrorCode::timed_out) {
        Error error = outcome.error();
        error.report = hang_after(plugin, PluginPath(wanted.plugin).describe().hang_grace, deaths);
        outcome = std::move(error);
    }
    Answer answer;
    if (wanted.json) {
        answer.json = json_of_outcome(outcome, took);
    } else if (outcome) {
        show_reply(*outcome);
        if (wanted.repeat > 1 && !outcome->text().ends_with('\n')) {
            print("\n");
        }
    }
    if (outcome) {
        return answer;
    }
    flush();
    const Error& error = outcome.error();
    show_error(error, wanted);
    answer.code = exit_code_of(error.code);
    answer.told_death = error.report ? error.report->id : "";
    return answer;
}

// Deaths that cost the calls nothing: while no call ran, while a call was tried again, or in the stop.
void show_other_deaths(const std::vector<std::shared_ptr<const Report>>& others, const WantedCall& wanted) {
    for (const auto& report : others) {
        const std::string command = wanted.reports.command_for(report->id);
        complain(harmless("plugin " + report->plugin + ": its worker " + report->clause()) +
                 (command.empty() ? "" : "; `" + command + "` tells more"));
        if (command.empty() && !wanted.json) {
            print_error(harmless(report->text()));
        }
    }
}

void show_times(const Stats& stats) {
    const LatencyHistogram& latency = stats.latency;
    const std::uint64_t count = latency.count();
    print_error(std::to_string(count) + (count == 1 ? " reply: median " : " replies: median ") +
                shown(latency.quantile(0.5)) + ", 99% within " + shown(latency.quantile(0.99)) + "\n");
}

// What the host says of the plugin's state: whoever calls has to know when it is lost, although the call went well.
class StateWatch {
  public:
    void operator()(const LogLine& line) const {
        const bool about_state = line.source == LogSource::host && line.level == LogLevel::error &&
                                 line.text.find("state") != std::string::npos && !line.text.starts_with("its worker ");
        if (about_state) {
            complain((line.text.starts_with("plugin ") ? "" : "plugin " + line.plugin + ": ") + harmless(line.text));
            *unwritten_ = *unwritten_ || line.text.find("cannot be written") != std::string::npos;
        }
    }
    bool unwritten() const { return *unwritten_; }

  private:
    std::shared_ptr<std::atomic<bool>> unwritten_ = std::make_shared<std::atomic<bool>>(false);
};

ExitCode call(const WantedCall& wanted) {
    CallOptions options;
    if (!wanted.timeout.empty()) {
        options.timeout = wanted.timeout == "none" ? CallOptions::kNoTimeout : *parse_duration(wanted.timeout);
    }
    const PluginPath path(wanted.plugin);
    const bool from_file = !wanted.file.empty() || wanted.request == "-";
    const std::string request =
        from_file ? read_request(wanted.file.empty() ? "-" : wanted.file, path.describe().payload) : wanted.request;
    HostOptions host_options;
    const StateWatch state;
    host_options.log = [&wanted, state](const LogLine& line) {
        if (wanted.log) {
            print_error(line.plugin + ": " + harmless(line.text) + "\n");
        }
        state(line);
    };
    const DeathWatch deaths;
    host_options.on_death = deaths;
    wanted.reports.apply(host_options);
    Host host = make_host(std::move(host_options));
    auto plugin = informed(path.try_load(host), deaths);
    if (!plugin) {
        if (wanted.json) {
            print(json_line(json_of_outcome(plugin.error(), std::chrono::nanoseconds(0))));
            flush();
        }
        show_error(plugin.error(), wanted);
        return exit_code_of(plugin.error().code);
    }
    Answer last;
    for (std::uint32_t turn = 0; turn < wanted.repeat && last.code == ExitCode::done && output_is_writable(); ++turn) {
        if (turn > 0 && wanted.json) {
            print(json_line(last.json));
        }
        last = call_once(*plugin, wanted, request, options, deaths);
    }
    if (wanted.repeat > 1 && !wanted.json) {
        flush();
        show_times(plugin->stats());
    }
    { const Host ending = std::move(host); }  // it writes the state now, and the plugin may die in its stop
    const auto others = deaths.all_but(last.told_death);
    if (wanted.json) {
        for (const auto& report : others) {
            last.json["other_deaths"].push_back(to_json(*report));
        }
        print(json_line(last.json));
    }
    flush();
    show_other_deaths(others, wanted);
    return last.code == ExitCode::done && state.unwritten() ? ExitCode::output_failed : last.code;
}

std::string check_timeout(const std::string& text) {
    if (text == "none" || parse_duration(text)) {
        return {};
    }
    return "'" + harmless(text) + "' is no time: write it like 250ms, 2s or 1m, at most a day, or none";
}

}  // namespace

void add_call_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedCall>();
    CLI::App* const command = program.add_subcommand("call", "Call a method of a plugin and print its reply");
    command->footer(kCallFooter);
    command->add_option("PLUGIN", wanted->plugin, "Folder of the plugin, its plugin.json, or a library")
        ->type_name("")
        ->required();
    command->add_option("METHOD", wanted->method, "Its name")->type_name("")->required();
    CLI::Option* const request =
        command->add_option("REQUEST", wanted->request, "The request, JSON or any text; - reads standard input")
            ->type_name("");
    command->add_option("--file", wanted->file, "Read the request from this file; - is standard input")
        ->type_name("FILE")
        ->check(
            CLI::Validator([](const std::string& file) { return file.empty() ? "no file has an empty name" : ""; }, ""))
        ->excludes(request);
    command->add_option("--timeout", wanted->timeout, "Time for the call, such as 500ms or 2s; none waits for ever")
        ->type_name("TIME")
        ->check(CLI::Validator(check_timeout, ""));
    command->add_option("--repeat", wanted->repeat, "Call so often, until one fails; tells the times on standard error")
        ->type_name("N")
        ->check(CLI::Range(1U, 1'000'000'000U));
    command->add_flag("--json", wanted->json, "Print outcome, effect, time, reply and report as an object on a line");
    command->add_flag("--log", wanted->log, "Show on standard error what the plugin prints and logs");
    wanted->reports.add_options(*command);
    command->callback([wanted, &action] { action = [wanted] { return call(*wanted); }; });
}

}  // namespace bulkhead::cli
