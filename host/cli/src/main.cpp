// bulkhead: calls, runs, inspects, makes and checks plugins from the command line.
#include <cctype>
#include <exception>
#include <string>

#include "command.hpp"
#include "console.hpp"
#include "failure.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 done; 1 the plugin answered with an error, or check found something; 2 wrong usage;\n"
    "3 the plugin cannot be loaded; 4 a call was lost with its worker; 5 it did not end by its deadline;\n"
    "6 output cannot be written.\n\n"
    "Examples:\n"
    "  bulkhead new scaler --lang cpp            makes the folder scaler with a plugin to start from\n"
    "  bulkhead call build/scaler scale '{\"by\": 2}'\n"
    "  bulkhead check build/scaler               looks for crashes, hangs and leaks\n";

// CLI11 begins its sentences with a capital and may end them with a full stop; ours go on.
std::string lowered(std::string sentence) {
    while (!sentence.empty() && (sentence.back() == '.' || std::isspace(static_cast<unsigned char>(sentence.back())))) {
        sentence.pop_back();
    }
    for (char& c : sentence) {
        c = c == '\n' ? ' ' : c;
    }
    if (sentence.size() > 1 && std::isupper(static_cast<unsigned char>(sentence[1])) == 0) {
        sentence[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(sentence[0])));
    }
    return sentence;
}

// The command whose help the user should read.
std::string chosen_command(const CLI::App& program) {
    const auto chosen = program.get_subcommands();
    return chosen.empty() ? "bulkhead" : "bulkhead " + chosen.front()->get_name();
}

ExitCode usage_error(const CLI::App& program, const CLI::ParseError& error) {
    std::string sentence = lowered(error.what());
    const auto strangers = program.remaining();
    if (program.get_subcommands().empty()) {
        sentence = strangers.empty() ? "say what to do" : "there is no command '" + strangers.front() + "'";
    }
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        sentence += "; an argument that begins with '-' and is no option stands after `--`";
    }
    complain(sentence + "; see `" + chosen_command(program) + " --help`");
    return ExitCode::usage;
}

ExitCode run(int argc, char** argv) {
    CLI::App program("Calls, runs, inspects, makes and checks plugins of Bulkhead.", "bulkhead");
    program.footer(kFooter);
    program.require_subcommand(1);
    program.set_version_flag("--version", "bulkhead " BULKHEAD_VERSION);
    Action action;
    add_call_command(program, action);
    add_run_command(program, action);
    add_inspect_command(program, action);
    add_new_command(program, action);
    add_check_command(program, action);
    add_reports_command(program, action);
    add_replay_command(program, action);
    add_completion_command(program, action);
    add_version_command(program, action);
    try {
        program.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        const auto chosen = program.get_subcommands();
        print(chosen.empty() ? program.help() : chosen.front()->help("bulkhead"));
        return ExitCode::done;
    } catch (const CLI::CallForVersion& version) {
        print(std::string(version.what()) + "\n");
        return ExitCode::done;
    } catch (const CLI::ParseError& error) {
        return usage_error(program, error);
    }
    return action();
}

}  // namespace
}  // namespace bulkhead::cli

int main(int argc, char** argv) {
    using namespace bulkhead::cli;
    prepare_standard_descriptors();
    ExitCode code = ExitCode::done;
    try {
        code = run(argc, argv);
    } catch (const Failure& failure) {
        flush();
        complain(failure.what());
        code = failure.code();
    } catch (const std::exception& error) {
        flush();
        complain(std::string("something unexpected happened: ") + error.what() + "; try again, then report it");
        code = ExitCode::lost;
    }
    return static_cast<int>(finish(code));
}
