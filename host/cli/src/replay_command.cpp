// bulkhead replay: the call that was running at a death, or the start or stop that ended in one, once more.
#include <bulkhead/host/repro.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "chosen_report.hpp"
#include "command.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "replay.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kReplayFooter[] =
    "FILE is a .repro that was kept beside a report, or the id of the report as for `bulkhead reports`: its "
    "beginning,\n"
    "or latest. The plugin is loaded from where it lay, in a fresh worker, with the configuration that it had, and "
    "gets the same request. One that died while it\n"
    "started or stopped is started and stopped. The exit code is 0 when it died again in the same way, 1 when not, 3\n"
    "when the plugin cannot be loaded. With --gdb the request waits until gdb has attached, and its time begins when\n"
    "you leave gdb.\n\n"
    "Examples:\n"
    "  bulkhead replay ~/.local/state/bulkhead/reports/resizer-3-5f2c91ab.repro\n"
    "  bulkhead replay resizer-3 --gdb\n";

struct WantedReplay {
    std::string file;
    std::string folder;
    bool gdb = false;
};

// A path, or the id of a report that a repro was kept beside.
std::filesystem::path repro_of(const WantedReplay& wanted) {
    std::filesystem::path file = wanted.file;
    std::error_code error;
    if (wanted.file.find('/') != std::string::npos || file.extension() == ".repro" ||
        std::filesystem::is_regular_file(file, error)) {
        return file;
    }
    const std::filesystem::path folder = report_folder(wanted.folder);
    const auto all = kept_reports(folder, "");
    const KeptReport& kept = chosen(all, wanted.file, folder);
    file = kept.file;
    file.replace_extension(".repro");
    if (!std::filesystem::exists(file, error)) {
        throw Failure(ExitCode::usage, "no repro was kept beside report " + kept.id + "; `bulkhead reports " + kept.id +
                                           "` tells what is known of the death");
    }
    return file;
}

std::string how_it_lived(const Repro& repro, const result<Bytes>& outcome) {
    if (!outcome) {
        return outcome.error().message;
    }
    return repro.method.empty() ? "it started and stopped" : "it replied with " + counted(outcome->size(), "byte");
}

std::string what_ran(const Repro& repro) {
    return repro.method.empty() ? "start and stop of" : "'" + repro.method + "' of";
}

std::string with_what(const Repro& repro) {
    return repro.method.empty() ? "" : " with " + counted(repro.request.size(), "byte");
}

ExitCode tell(const Repro& repro, const Replayed& now) {
    const Colours colours = Colours::of_output();
    if (!now.death) {
        print(colours.note("it did not die again") + ": " + harmless(how_it_lived(repro, now.outcome)) + "\n");
        return ExitCode::found;
    }
    const bool same = same_death(repro.report, *now.death);
    if (!same) {
        print(colours.note("it died in another way") + ", it " + harmless(now.death->clause()) + "\n");
    } else {
        const auto place = same_place(repro.report, *now.death);
        print(colours.bad("it died again in the same way") +
              (!place   ? ""
               : *place ? ", at the same instruction"
                        : ", at another instruction") +
              "\n");
    }
    print(harmless(now.death->text()));
    return same ? ExitCode::done : ExitCode::found;
}

ExitCode replay_file(const WantedReplay& wanted) {
    const auto repro = read_repro(repro_of(wanted));
    if (!repro) {
        throw Failure(ExitCode::usage, repro.error().message + "; name a .repro, as `bulkhead reports ID` does");
    }
    if (repro->method.empty() && wanted.gdb) {
        throw Failure(ExitCode::usage, "--gdb is for calls: no call ran when this worker died; leave it out");
    }
    const Report& first = repro->report;
    print(harmless("again: " + what_ran(*repro) + " plugin " + first.plugin + " " + first.version + with_what(*repro) +
                   "; its worker " + first.clause()) +
          "\n");
    for (const std::string& sentence : differences(*repro)) {
        print("note: " + harmless(sentence) + "\n");
    }
    flush();
    return tell(*repro, replay(*repro, wanted.gdb ? WithDebugger::yes : WithDebugger::no));
}

}  // namespace

void add_replay_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedReplay>();
    CLI::App* const command = program.add_subcommand("replay", "Run again what ended in a death");
    command->footer(kReplayFooter);
    command->add_option("FILE", wanted->file, "A .repro file, or the id of a report")->type_name("")->required();
    command->add_option("--directory", wanted->folder, "Look in this folder for the id")->type_name("DIR");
    command->add_flag("--gdb", wanted->gdb, "Attach gdb to the worker before the request is sent");
    command->callback([wanted, &action] { action = [wanted] { return replay_file(*wanted); }; });
}

}  // namespace bulkhead::cli
