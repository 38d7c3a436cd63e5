// bulkhead replay: the call that was running at a death, once more.
#include <bulkhead/host/repro.hpp>
#include <memory>
#include <string>

#include "command.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "replay.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kReplayFooter[] =
    "FILE is a .repro that was kept beside a report; `bulkhead reports ID` names it. The plugin is loaded from where "
    "it\n"
    "lay, in a fresh worker, with the configuration that it had, and gets the same request. The exit code is 0 when "
    "it\n"
    "died again in the same way, 1 when not, 3 when the plugin cannot be loaded. With --gdb the request waits until "
    "gdb\n"
    "has attached, and there is no deadline.\n\n"
    "Examples:\n"
    "  bulkhead replay ~/.local/state/bulkhead/reports/resizer-3-5f2c91ab.repro\n"
    "  bulkhead replay resizer-3-5f2c91ab.repro --gdb\n";

struct WantedReplay {
    std::string file;
    bool gdb = false;
};

std::string how_it_lived(const result<Bytes>& outcome) {
    return outcome ? "it replied with " + counted(outcome->size(), "byte") : outcome.error().message;
}

ExitCode tell(const Repro& repro, const Replayed& now) {
    const Colours colours = Colours::of_output();
    if (!now.death) {
        print(colours.note("it did not die again") + ": " + harmless(how_it_lived(now.outcome)) + "\n");
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
    const auto repro = read_repro(wanted.file);
    if (!repro) {
        throw Failure(ExitCode::usage, repro.error().message + "; name a .repro, as `bulkhead reports ID` does");
    }
    const Report& first = repro->report;
    print(harmless("again: '" + repro->method + "' of plugin " + first.plugin + " " + first.version + " with " +
                   counted(repro->request.size(), "byte") + "; its worker " + first.clause()) +
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
    CLI::App* const command = program.add_subcommand("replay", "Run the call again that was running at a death");
    command->footer(kReplayFooter);
    command->add_option("FILE", wanted->file, "A .repro file")->type_name("")->required();
    command->add_flag("--gdb", wanted->gdb, "Attach gdb to the worker before the request is sent");
    command->callback([wanted, &action] { action = [wanted] { return replay_file(*wanted); }; });
}

}  // namespace bulkhead::cli
