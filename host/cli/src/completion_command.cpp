// bulkhead completion: what a shell needs to complete our command lines.
#include <memory>
#include <string>

#include "command.hpp"
#include "completion_script.hpp"
#include "console.hpp"

namespace bulkhead::cli {

void add_completion_command(CLI::App& program, Action& action) {
    const auto shell = std::make_shared<std::string>();
    CLI::App* const command = program.add_subcommand("completion", "Print a script that completes commands in a shell");
    command->footer(
        "Examples:\n"
        "  source <(bulkhead completion bash)        for this shell\n"
        "  bulkhead completion bash > ~/.local/share/bash-completion/completions/bulkhead\n");
    command->add_option("SHELL", *shell, "bash")->type_name("")->required()->check(CLI::IsMember({"bash"}));
    command->callback([shell, &action] {
        action = [] {
            print(kBashCompletion);
            return ExitCode::done;
        };
    });
}

}  // namespace bulkhead::cli
