#include "chosen_report.hpp"

#include "console.hpp"
#include "failure.hpp"
#include "report_place.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

// An id is the plugin's name, which may have hyphens in it, the incarnation and a number.
std::string plugin_of(const std::string& id) {
    const std::size_t number = id.rfind('-');
    const std::size_t incarnation = number == std::string::npos || number == 0 ? number : id.rfind('-', number - 1);
    return id.substr(0, incarnation);
}

}  // namespace

std::filesystem::path report_folder(const std::string& named) {
    const std::filesystem::path folder = named.empty() ? default_report_folder() : std::filesystem::path(named);
    if (folder.empty()) {
        throw Failure(ExitCode::usage, "neither XDG_STATE_HOME nor HOME is set; name the folder with --directory");
    }
    return folder;
}

std::vector<KeptReport> kept_reports(const std::filesystem::path& folder, const std::string& plugin) {
    auto all = list_reports(folder);
    if (!all) {
        throw Failure(ExitCode::usage, all.error().message);
    }
    if (!plugin.empty()) {
        std::erase_if(*all, [&plugin](const KeptReport& one) { return plugin_of(one.id) != plugin; });
    }
    return *std::move(all);
}

const KeptReport& chosen(const std::vector<KeptReport>& all, const std::string& id,
                         const std::filesystem::path& folder) {
    if (id == "latest" && !all.empty()) {
        return all.front();
    }
    std::vector<const KeptReport*> candidates;
    std::string ids;
    for (const KeptReport& one : all) {
        if (one.id == id) {
            return one;
        }
        if (one.id.starts_with(id)) {
            candidates.push_back(&one);
            ids += (ids.empty() ? "" : ", ") + one.id;
        }
    }
    if (candidates.empty()) {
        throw Failure(ExitCode::usage, "there is no report '" + harmless(id) + "' in " + folder.string() +
                                           "; `bulkhead reports` lists what there is");
    }
    if (candidates.size() > 1) {
        throw Failure(ExitCode::usage, counted(candidates.size(), "report") + " begin with '" + harmless(id) +
                                           "': " + ids + "; give more of the id");
    }
    return *candidates.front();
}

}  // namespace bulkhead::cli
