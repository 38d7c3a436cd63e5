#include "report_folder.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "bounded_json.hpp"
#include "bulkhead/host/report_folder.hpp"
#include "bulkhead/host/report_json.hpp"
#include "report_names.hpp"
#include "whole_file.hpp"

namespace bulkhead {

namespace fs = std::filesystem;

std::vector<detail::ReportFiles> detail::scan_reports(const fs::path& folder, std::error_code& error) {
    std::map<std::string, ReportFiles> by_id;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const auto id = id_of_file(name);
        std::error_code gone;
        // A link is nobody's report, and what it leads to is not in the folder.
        if (!id || !fs::is_regular_file(entry->symlink_status(gone))) {
            continue;
        }
        const std::uintmax_t bytes = entry->file_size(gone);
        const fs::file_time_type written = entry->last_write_time(gone);
        if (gone) {
            continue;
        }
        ReportFiles& files = by_id[*id];
        files.id = *id;
        files.bytes += bytes;
        files.written = std::max(files.written, written);
        files.has_report = files.has_report || name.ends_with(kReportEnding);
    }
    if (error == std::errc::no_such_file_or_directory) {
        error.clear();
    }
    std::vector<ReportFiles> all;
    for (auto& [id, files] : by_id) {
        all.push_back(std::move(files));
    }
    std::sort(all.begin(), all.end(), [](const ReportFiles& a, const ReportFiles& b) {
        return std::tie(a.written, a.id) < std::tie(b.written, b.id);
    });
    return all;
}

result<std::vector<KeptReport>> list_reports(const fs::path& folder) {
    std::error_code error;
    const auto all = detail::scan_reports(folder, error);
    if (error) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0,
                     "the folder of reports " + folder.string() + " cannot be read: " + error.message(), nullptr};
    }
    std::vector<KeptReport> kept;
    for (auto files = all.rbegin(); files != all.rend(); ++files) {
        if (files->has_report) {
            kept.push_back({files->id, folder / (files->id + std::string(detail::kReportEnding)), files->written});
        }
    }
    return kept;
}

result<Report> read_report(const fs::path& file) {
    constexpr std::uint64_t kMost = std::uint64_t{64} << 20;
    const auto text = detail::read_whole_file(file, kMost);
    if (!text) {
        return text.error();
    }
    const auto refuse = [&file](const std::string& why) {
        return Error{ErrorCode::invalid_argument, Effect::none, 0, "the report " + file.string() + ": " + why, nullptr};
    };
    std::string cause;
    const auto json = detail::parse_bounded_json(*text, cause);
    if (!json) {
        return refuse("it is not JSON: " + cause);
    }
    auto report = report_from_json(*json);
    if (!report) {
        return refuse(report.error().message);
    }
    return report;
}

}  // namespace bulkhead
