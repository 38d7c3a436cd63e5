// Where this program keeps reports.
#pragma once

#include <CLI/CLI.hpp>
#include <bulkhead/host/host.hpp>
#include <filesystem>
#include <string>

namespace bulkhead::cli {

// $XDG_STATE_HOME/bulkhead/reports, else ~/.local/state/bulkhead/reports. Empty: the environment names neither.
std::filesystem::path default_report_folder();

// The options --reports and --no-reports of a command. Value type.
struct ReportPlace {
    std::string named;
    bool none = false;

    void add_options(CLI::App& command);
    void apply(HostOptions& options) const;
    // The shell command that prints a report of this host; empty: none are kept.
    std::string command_for(const std::string& id) const;

  private:
    std::filesystem::path folder() const;
};

}  // namespace bulkhead::cli
