// bulkhead check: looks for what a plugin does wrong before a server finds out.
#include <fmt/format.h>

#include <algorithm>
#include <bulkhead/host/host.hpp>
#include <bulkhead/host/report_json.hpp>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "command.hpp"
#include "console.hpp"
#include "examination.hpp"
#include "failure.hpp"
#include "json_text.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

constexpr char kCheckFooter[] =
    "Starts and stops the plugin repeatedly, calls every method with requests made from the seed (also wrong and huge\n"
    "ones), and looks for crashes, hangs, broken rules, leaks, and workers that do not stop. A plugin that answers a "
    "bad\n"
    "request with an error does well. Every method is really called: do not check one that must not be.\n"
    "The exit code is 0 when all is good, 1 when there are findings, 2 when the command line is wrong.\n\n"
    "Examples:\n"
    "  bulkhead check build/greeter\n"
    "  bulkhead check build/greeter --seed 7 --method greet --case 12\n"
    "  bulkhead check build/greeter --budget 60s --json\n"
    "  bulkhead check --manifest plugin.json     reads the manifest only\n";

struct WantedCheck {
    std::string plugin;
    bool manifest_only = false;
    std::optional<std::uint64_t> seed;
    std::string method;
    std::optional<std::uint64_t> one_case;
    std::string budget = "10s";
    std::vector<std::string> keeps;
    bool json = false;
};

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::good:
            return "good";
        case Verdict::note:
            return "note";
        case Verdict::finding:
            break;
    }
    return "finding";
}

std::string marked(const Colours& colours, Verdict verdict) {
    const std::string word = fmt::format("{:<8}", name_of(verdict));
    return verdict == Verdict::good   ? colours.good(word)
           : verdict == Verdict::note ? colours.note(word)
                                      : colours.bad(word);
}

// A few of them, names of C first: the mangled ones of C++ are hard to read.
std::string shown_symbols(std::vector<std::string> symbols) {
    constexpr std::size_t kShown = 6;
    constexpr std::size_t kLongest = 40;
    std::stable_partition(symbols.begin(), symbols.end(),
                          [](const std::string& symbol) { return !symbol.starts_with("_Z"); });
    const bool more = symbols.size() > kShown;
    symbols.resize(std::min(symbols.size(), kShown));
    for (std::string& symbol : symbols) {
        if (symbol.size() > kLongest) {
            symbol = symbol.substr(0, kLongest) + "...";
        }
    }
    return fmt::format("{}{}", fmt::join(symbols, ", "), more ? ", and more" : "");
}

void show(const Examination& examination) {
    const Colours colours = Colours::of_output();
    for (const Observation& observation : examination.observations()) {
        print(marked(colours, observation.verdict) +
              harmless(fmt::format("{:<10} {}\n", observation.check, observation.text)));
        if (!observation.replay.empty()) {
            print(harmless(fmt::format("{:<19}again: {}\n", "", observation.replay)));
        }
    }
    for (const auto& [what, symbols] : examination.needs) {
        print(harmless(fmt::format("{:<8}{:<17} {}\n", "needs", what, shown_symbols(symbols))));
    }
    const std::size_t findings = examination.count(Verdict::finding);
    const std::string sum = counted(findings, "finding") + ", " + counted(examination.count(Verdict::note), "note");
    print((findings == 0 ? colours.good(sum) : colours.bad(sum)) +
          fmt::format(" (seed {}, {})\n", examination.options().seed, shown(examination.took())));
}

Json everything(const Examination& examination) {
    Json json = {{"plugin", examination.manifest().name},
                 {"version", examination.manifest().version},
                 {"seed", examination.options().seed},
                 {"seconds", std::chrono::duration<double>(examination.took()).count()},
                 {"findings", examination.count(Verdict::finding)},
                 {"notes", examination.count(Verdict::note)},
                 {"needs", examination.needs},
                 {"observations", Json::array()}};
    for (const Observation& observation : examination.observations()) {
        Json item = {
            {"verdict", name_of(observation.verdict)}, {"check", observation.check}, {"text", observation.text}};
        if (!observation.replay.empty()) {
            item["again"] = observation.replay;
        }
        if (observation.report) {
            item["report"] = to_json(*observation.report);
        }
        json["observations"].push_back(std::move(item));
    }
    return json;
}

// Also what the configure step of a plugin's build runs: nothing is started.
ExitCode check_manifest(const WantedCheck& wanted) {
    const auto manifest = describe_manifest(std::filesystem::path(wanted.plugin));
    if (wanted.json) {
        Json json = {{"findings", manifest ? 0 : 1}, {"observations", Json::array()}};
        json["observations"].push_back(
            {{"verdict", manifest ? "good" : "finding"},
             {"check", "manifest"},
             {"text", manifest ? "the manifest of plugin " + manifest->name : manifest.error().message}});
        print(json_text(json));
    } else if (manifest) {
        print("good    manifest   " + manifest->name + " " + harmless(manifest->version) + ", " +
              harmless(manifest->library) + "\n");
    }
    if (!manifest && !wanted.json) {
        complain(advised(manifest.error(), wanted.plugin));
    }
    return manifest ? ExitCode::done : ExitCode::found;
}

CheckOptions options_of(const WantedCheck& wanted) {
    CheckOptions options;
    // 32 bits: short enough to be copied by hand.
    options.seed = wanted.seed ? *wanted.seed : std::random_device{}();
    options.budget = *parse_duration(wanted.budget);
    options.method = wanted.method;
    options.one_case = wanted.one_case;
    options.keeps = {wanted.keeps.begin(), wanted.keeps.end()};
    return options;
}

void examine(Examination& examination) {
    const CheckOptions& options = examination.options();
    examination.add(Verdict::good, "manifest", examination.manifest().name + " " + examination.manifest().version);
    check_libraries(examination);
    if (!check_life(examination)) {
        return;
    }
    const auto methods = examination.methods();
    const auto refuse = [&examination](const std::string& method) {
        throw Failure(ExitCode::usage, "plugin " + examination.manifest().name + " has no method '" + method +
                                           "'; `bulkhead inspect " + examination.path().named() +
                                           "` lists its methods");
    };
    if (methods.empty() && !options.method.empty()) {
        refuse(options.method);
    }
    for (const std::string& kept : options.keeps) {
        if (options.method.empty() && std::find(methods.begin(), methods.end(), kept) == methods.end()) {
            refuse(kept);
        }
    }
    if (methods.empty()) {
        examination.add(Verdict::note, "calls", "it has no methods, so nobody can call it");
    }
    check_calls(examination);
}

ExitCode check(const WantedCheck& wanted) {
    if (wanted.manifest_only) {
        return check_manifest(wanted);
    }
    if (wanted.one_case && wanted.method.empty()) {
        throw Failure(ExitCode::usage, "--case says which request of one method; name it with --method");
    }
    if (const PluginPath path(wanted.plugin); !path.is_bare_library()) {
        if (const auto manifest = describe_manifest(std::filesystem::path(wanted.plugin)); !manifest) {
            return check_manifest(wanted);
        }
    }
    Examination examination(PluginPath(wanted.plugin), options_of(wanted));
    examine(examination);
    examination.finish();
    if (wanted.json) {
        print(json_text(everything(examination)));
    } else {
        show(examination);
    }
    return examination.count(Verdict::finding) == 0 ? ExitCode::done : ExitCode::found;
}

std::string check_budget(const std::string& text) {
    return parse_duration(text) ? std::string()
                                : "'" + harmless(text) + "' is no time: write it like 5s or 2m, at most a day";
}

}  // namespace

void add_check_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedCheck>();
    CLI::App* const command = program.add_subcommand("check", "Look for crashes, hangs and leaks of a plugin");
    command->footer(kCheckFooter);
    command->add_option("PLUGIN", wanted->plugin, "Folder of the plugin, its plugin.json, or a library")
        ->type_name("")
        ->required();
    command->add_flag("--manifest", wanted->manifest_only, "Check the manifest only; starts nothing");
    command->add_option("--seed", wanted->seed, "Make the requests from this number; else from one that is told")
        ->type_name("N");
    command->add_option("--method", wanted->method, "Try this method only")->type_name("METHOD");
    command->add_option("--case", wanted->one_case, "Send this request of the method only")->type_name("N");
    command->add_option("--budget", wanted->budget, "Time for everything")
        ->type_name("TIME")
        ->capture_default_str()
        ->check(CLI::Validator(check_budget, ""));
    command->add_option("--keeps", wanted->keeps, "A method that is meant to keep something of each call")
        ->type_name("METHOD")
        ->take_all()
        ->expected(1);
    command->add_flag("--json", wanted->json, "Print everything as an object");
    command->callback([wanted, &action] { action = [wanted] { return check(*wanted); }; });
}

}  // namespace bulkhead::cli
