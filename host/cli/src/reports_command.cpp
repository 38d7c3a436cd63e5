// bulkhead reports: the reports that were kept.
#include <array>
#include <bulkhead/host/report_folder.hpp>
#include <bulkhead/host/report_json.hpp>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "chosen_report.hpp"
#include "command.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "json_text.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

constexpr char kReportsFooter[] =
    "Without ID: one line for each report, the newest first: id, time, plugin, what happened. The beginning of an id "
    "is\n"
    "enough where no other report's begins like it, and latest is the newest. The default folder is "
    "$XDG_STATE_HOME/bulkhead/reports, or\n"
    "~/.local/state/bulkhead/reports; `bulkhead call` and `bulkhead run` keep theirs there, and a server those of its\n"
    "HostOptions::reports.\n\n"
    "Examples:\n"
    "  bulkhead reports\n"
    "  bulkhead reports resizer-3\n"
    "  bulkhead reports latest --plugin resizer\n"
    "  bulkhead reports --directory /var/lib/server/reports --json | jq '.[].clause'\n";

struct WantedReports {
    std::string id;
    std::string folder;
    std::string plugin;
    bool json = false;
};

std::string shown_time(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    std::array<char, 32> text{};
    const bool good = ::gmtime_r(&seconds, &parts) != nullptr &&
                      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) != 0;
    return good ? text.data() : "at no known time";
}

ExitCode show_one(const KeptReport& kept, bool json) {
    const auto report = read_report(kept.file);
    if (!report) {
        throw Failure(ExitCode::usage, report.error().message);
    }
    print(json ? json_text(to_json(*report)) : harmless(report->text()));
    return ExitCode::done;
}

void show_line(const KeptReport& kept, const result<Report>& report) {
    if (!report) {
        print(kept.id + "  " + harmless(report.error().message) + "\n");
        return;
    }
    print(harmless(kept.id + "  " + shown_time(report->time) + "  " + report->plugin + "  " + report->clause()) + "\n");
}

Json summary(const KeptReport& kept, const result<Report>& report) {
    Json json = {{"id", kept.id}, {"file", kept.file.string()}};
    if (!report) {
        json["unreadable_because"] = report.error().message;
        return json;
    }
    const Json all = to_json(*report);
    for (const char* member : {"time", "plugin", "version", "cause", "clause", "repro"}) {
        if (all.contains(member)) {
            json[member] = all[member];
        }
    }
    return json;
}

ExitCode list(const std::vector<KeptReport>& all, const std::filesystem::path& folder, bool as_json) {
    Json summaries = Json::array();
    for (const KeptReport& kept : all) {
        const auto report = read_report(kept.file);
        if (as_json) {
            summaries.push_back(summary(kept, report));
        } else {
            show_line(kept, report);
        }
    }
    if (as_json) {
        print(json_text(summaries));
    } else if (all.empty()) {
        print_error("no reports in " + harmless(folder.string()) + "\n");
    }
    return ExitCode::done;
}

ExitCode reports(const WantedReports& wanted) {
    const std::filesystem::path folder = report_folder(wanted.folder);
    const auto all = kept_reports(folder, wanted.plugin);
    return wanted.id.empty() ? list(all, folder, wanted.json) : show_one(chosen(all, wanted.id, folder), wanted.json);
}

}  // namespace

void add_reports_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedReports>();
    CLI::App* const command = program.add_subcommand("reports", "List the kept reports on deaths, or print one");
    command->footer(kReportsFooter);
    command->add_option("ID", wanted->id, "Print this one; its beginning is enough, and latest is the newest")
        ->type_name("");
    command->add_option("--directory", wanted->folder, "Look in this folder")->type_name("DIR");
    command->add_option("--plugin", wanted->plugin, "Look at those of this plugin only")->type_name("NAME");
    command->add_flag("--json", wanted->json, "Print objects");
    command->callback([wanted, &action] { action = [wanted] { return reports(*wanted); }; });
}

}  // namespace bulkhead::cli
