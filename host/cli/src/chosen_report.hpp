// Which of the kept reports a user means.
#pragma once

#include <bulkhead/host/report_folder.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace bulkhead::cli {

// The folder that was named, else the default one. Throws Failure when there is neither.
std::filesystem::path report_folder(const std::string& named);

// The reports in it, the newest first; only those of `plugin`, unless that is empty. Throws Failure.
std::vector<KeptReport> kept_reports(const std::filesystem::path& folder, const std::string& plugin);

// The one that `id` names: "latest" is the newest, else it is an id or the beginning of one. Throws Failure when there
// is none, or more than one.
const KeptReport& chosen(const std::vector<KeptReport>& all, const std::string& id,
                         const std::filesystem::path& folder);

}  // namespace bulkhead::cli
