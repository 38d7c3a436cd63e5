// What this program's exit codes mean. README.md and `bulkhead --help` list them.
#pragma once

namespace bulkhead::cli {

enum class ExitCode : int {
    done = 0,
    found = 1,          // the plugin answered with an error, or `check` found something
    usage = 2,          // the command line, the request or a method's name is wrong
    not_loaded = 3,     // the plugin, or this installation, cannot be started
    lost = 4,           // the call was lost with its worker, or the plugin was given up
    timed_out = 5,      // the call did not end by its deadline
    output_failed = 6,  // standard output or a file cannot be written
};

}  // namespace bulkhead::cli
