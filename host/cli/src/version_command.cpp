// bulkhead version.
#include <memory>
#include <string>

#include "command.hpp"
#include "console.hpp"
#include "json_text.hpp"

namespace bulkhead::cli {

void add_version_command(CLI::App& program, Action& action) {
    const auto as_json = std::make_shared<bool>(false);
    CLI::App* const command = program.add_subcommand("version", "Print the version of Bulkhead and of the plugin ABI");
    command->footer("Examples:\n  bulkhead version\n  bulkhead version --json\n");
    command->add_flag("--json", *as_json, "Print it as an object");
    command->callback([as_json, &action] {
        action = [as_json] {
            if (*as_json) {
                print(json_line({{"version", BULKHEAD_VERSION}, {"plugin_abi", BULKHEAD_PLUGIN_ABI}}));
            } else {
                print("bulkhead " BULKHEAD_VERSION ", plugin ABI " + std::to_string(BULKHEAD_PLUGIN_ABI) + "\n");
            }
            return ExitCode::done;
        };
    });
}

}  // namespace bulkhead::cli
