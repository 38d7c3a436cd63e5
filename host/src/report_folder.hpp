// What lies in a folder of reports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace bulkhead::detail {

// All files of one report.
struct ReportFiles {
    std::string id;
    std::uint64_t bytes = 0;
    std::filesystem::file_time_type written = std::filesystem::file_time_type::min();  // the last of them
    bool has_report = false;
};

// The oldest first. Files that come or go meanwhile may be there or not; other files are passed over. A folder that is
// not there is no error.
std::vector<ReportFiles> scan_reports(const std::filesystem::path& folder, std::error_code& error);

}  // namespace bulkhead::detail
