#include "report_place.hpp"

#include <cstdlib>

#include "wording.hpp"

namespace bulkhead::cli {
namespace {

// Relative ones do not count, as the XDG specification has it.
std::filesystem::path absolute_from_environment(const char* variable) {
    const char* const value = std::getenv(variable);
    const std::filesystem::path path = value != nullptr ? value : "";
    return path.is_absolute() ? path : std::filesystem::path();
}

}  // namespace

std::filesystem::path default_report_folder() {
    std::filesystem::path state = absolute_from_environment("XDG_STATE_HOME");
    if (state.empty()) {
        const std::filesystem::path home = absolute_from_environment("HOME");
        state = home.empty() ? home : home / ".local" / "state";
    }
    return state.empty() ? state : state / "bulkhead" / "reports";
}

void ReportPlace::add_options(CLI::App& command) {
    CLI::Option* const folder =
        command.add_option("--reports", named, "Keep reports and repros here; else where `bulkhead reports` looks")
            ->type_name("DIR");
    command.add_flag("--no-reports", none, "Keep none")->excludes(folder);
}

void ReportPlace::apply(HostOptions& options) const { options.reports = folder(); }

std::string ReportPlace::command_for(const std::string& id) const {
    if (folder().empty()) {
        return {};
    }
    return "bulkhead reports " + shell_word(id) + (named.empty() ? "" : " --directory " + shell_word(named));
}

std::filesystem::path ReportPlace::folder() const {
    if (none) {
        return {};
    }
    return named.empty() ? default_report_folder() : std::filesystem::path(named);
}

}  // namespace bulkhead::cli
