// The commands of this program, one file each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "exit_code.hpp"

namespace bulkhead::cli {

// What the chosen command does once the command line was understood. May throw Failure.
using Action = std::function<ExitCode()>;

// Each adds its command to the program; when the user chose it, it becomes `action`.
void add_call_command(CLI::App& program, Action& action);
void add_run_command(CLI::App& program, Action& action);
void add_inspect_command(CLI::App& program, Action& action);
void add_new_command(CLI::App& program, Action& action);
void add_check_command(CLI::App& program, Action& action);
void add_reports_command(CLI::App& program, Action& action);
void add_replay_command(CLI::App& program, Action& action);
void add_completion_command(CLI::App& program, Action& action);
void add_version_command(CLI::App& program, Action& action);

}  // namespace bulkhead::cli
