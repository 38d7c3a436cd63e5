#include "report_store.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "bulkhead/host/report_json.hpp"
#include "report_folder.hpp"
#include "report_names.hpp"
#include "repro_format.hpp"
#include "utf8.hpp"

namespace bulkhead::detail {
namespace {

std::string file_of(const std::string& id, std::string_view ending) { return id + std::string(ending); }

// The server may change its directory later.
std::filesystem::path kept_in(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::path found = std::filesystem::absolute(path, error);
    return error ? path : found;
}

using FileTime = std::filesystem::file_time_type;

constexpr std::chrono::minutes kMinute{1};

// Another host is about to finish it, unless it died there.
bool is_coming(const ReportFiles& files, FileTime now) {
    return !files.has_report && files.written > now - kMinute && files.written < now + kMinute;
}

// Written before the clock was set back. A little more may be the clock of another machine.
bool is_of_the_future(const ReportFiles& files, FileTime now) { return files.written >= now + kMinute; }

std::string json_text(const Report& report) {
    return to_json(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::uint64_t size_of(const Repro& repro) {
    return repro.request.size() + (repro.state ? repro.state->bytes.size() : 0);
}

}  // namespace

ReportStore::ReportStore(const HostOptions& options)
    : folder_(kept_in(options.reports)),
      max_reports_(options.max_reports),
      max_bytes_(options.max_report_bytes),
      max_repro_bytes_(options.save_repros ? options.max_repro_bytes : 0) {}

std::filesystem::path ReportStore::repro_path(const std::string& id) const {
    return folder_.path() / file_of(id, kReproEnding);
}

bool ReportStore::hold(const std::string& id, Repro repro) {
    constexpr std::uint64_t kTimes = 4;
    const std::uint64_t bytes = size_of(repro);
    const std::lock_guard lock(held_mutex_);
    if (held_bytes_ / kTimes > max_repro_bytes_) {
        return false;
    }
    held_bytes_ += bytes;
    held_.insert_or_assign(id, std::move(repro));
    return true;
}

std::optional<Repro> ReportStore::take(const std::string& id) {
    const std::lock_guard lock(held_mutex_);
    auto node = held_.extract(id);
    if (!node) {
        return std::nullopt;
    }
    held_bytes_ -= size_of(node.mapped());
    return std::move(node.mapped());
}

std::shared_ptr<const Report> ReportStore::keep(const std::shared_ptr<const Report>& report,
                                                const Complaint& complain) {
    std::optional<Repro> repro = take(report->id);
    auto kept = std::make_shared<Report>(*report);
    const std::lock_guard lock(disk_mutex_);
    std::string text = json_text(*kept);
    const auto leave_out_repro = [&](std::string why) {
        kept->repro_note = std::move(why);
        kept->repro.clear();
        text = json_text(*kept);
    };
    std::string no_repro = repro ? write_repro(*repro, *report, text.size()) : std::string();
    if (!no_repro.empty()) {
        leave_out_repro(std::move(no_repro));
    }
    std::error_code error = write_report(kept->id, text);
    if (error && repro && !kept->repro.empty()) {  // it may have taken the room, and is found by its report only
        folder_.remove(file_of(kept->id, kReproEnding));
        leave_out_repro("its report could not be kept beside it: " + error.message());
        error = write_report(kept->id, text);
    }
    if (error) {
        complain_once(error, complain);
    }
    make_room(kept->id);
    warn_once(complain);
    return kept;
}

// Why it was not written; empty: it was. Its report will be beside it, of so many bytes.
std::string ReportStore::write_repro(Repro& repro, const Report& report, std::uint64_t report_bytes) const {
    repro.report = report;
    if (!is_utf8((repro.manifest.directory / repro.library).string())) {
        return "the path of its library is not UTF-8, which the file cannot hold";
    }
    const std::string head = repro_head(repro);
    if (head.size() + size_of(repro) + report_bytes > max_bytes_) {
        return "it is larger than the folder of reports may be";
    }
    std::vector<std::span<const std::byte>> parts = {std::as_bytes(std::span(head)), repro.request};
    if (repro.state) {
        parts.emplace_back(repro.state->bytes);
    }
    const std::error_code error =
        folder_.write(file_of(report.id, kReproEnding), file_of(report.id, kUnfinishedEnding), parts);
    return error ? folder_.path().string() + " cannot be written to: " + error.message() : std::string();
}

std::error_code ReportStore::write_report(const std::string& id, const std::string& text) const {
    if (text.size() > max_bytes_) {
        return std::make_error_code(std::errc::file_too_large);
    }
    return folder_.write(file_of(id, kReportEnding), file_of(id, kUnfinishedEnding), {std::as_bytes(std::span(text))});
}

// The folder's limits are kept by whoever writes: another host may have written, or removed, at the same moment. The
// newest stays, for its report has been promised; it has room when all others are gone.
void ReportStore::make_room(const std::string& newest) const {
    std::error_code error;
    auto all = scan_reports(folder_.path(), error);
    std::size_t count = all.size();
    std::uint64_t bytes = 0;
    for (const ReportFiles& files : all) {
        bytes += files.bytes;
    }
    const FileTime now = FileTime::clock::now();
    std::stable_partition(all.begin(), all.end(),
                          [now](const ReportFiles& files) { return is_of_the_future(files, now); });
    for (const ReportFiles& files : all) {
        if (count <= max_reports_ && bytes <= max_bytes_) {
            return;
        }
        if (files.id == newest || is_coming(files, now)) {
            continue;
        }
        for (const std::string_view ending : {kReproEnding, kReportEnding, kUnfinishedEnding}) {
            folder_.remove(file_of(files.id, ending));
        }
        --count;
        bytes -= files.bytes;
    }
}

// Others could read what the folder's owner lets them, put links in the way, and have their own calls replayed.
void ReportStore::warn_once(const Complaint& complain) {
    if (!warned_ && folder_.is_open_to_others()) {
        warned_ = true;
        complain("its report is kept in " + folder_.path().string() +
                 ", which is another user's or may be written to by others: do not trust what lies there");
    }
}

void ReportStore::complain_once(const std::error_code& error, const Complaint& complain) {
    if (complained_.insert(error).second) {
        complain("its report could not be kept in " + folder_.path().string() + ": " + error.message() +
                 "; this is said once");
    }
}

}  // namespace bulkhead::detail
