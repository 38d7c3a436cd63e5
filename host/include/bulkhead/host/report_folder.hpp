// The reports that hosts keep in HostOptions::reports.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"
#include "bulkhead/host/report.hpp"

namespace bulkhead {

// A report on disk. Value type.
struct KeptReport {
    std::string id;
    std::filesystem::path file;
    std::filesystem::file_time_type written;
};

// The newest first; other files are passed over. A folder that is not there holds none. Fails with `invalid_argument`
// when it cannot be read.
BULKHEAD_HOST_EXPORT result<std::vector<KeptReport>> list_reports(const std::filesystem::path& folder);

// Fails with `invalid_argument` and a sentence that names the file.
BULKHEAD_HOST_EXPORT result<Report> read_report(const std::filesystem::path& file);

}  // namespace bulkhead
