#include "report_store.hpp"

#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "bulkhead/host/report_json.hpp"
#include "report_folder.hpp"
#include "report_names.hpp"
#include "repro_format.hpp"

namespace bulkhead::detail {
namespace {

std::string file_of(const std::string& id, std::string_view ending) { return id + std::string(ending); }

// The server may change its directory later.
std::filesystem::path kept_in(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::path found = std::filesystem::absolute(path, error);
    return error ? path : found;
}

// Another host is about to finish it, unless it died there.
bool is_coming(const ReportFiles& files, std::filesystem::file_time_type now) {
    constexpr std::chrono::minutes kLongEnough{1};
    return !files.has_report && now - files.written < kLongEnough;
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
    if (repro) {
        kept->repro_note = write_repro(*repro, *report);
        if (!kept->repro_note.empty()) {
            kept->repro.clear();
        }
    }
    write_report(*kept, complain);
    make_room();
    return kept;
}

// Why it was not written; empty: it was.
std::string ReportStore::write_repro(Repro& repro, const Report& report) const {
    repro.report = report;
    const std::string head = repro_head(repro);
    if (head.size() + size_of(repro) > max_bytes_) {
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

void ReportStore::write_report(const Report& report, const Complaint& complain) {
    const std::string text = to_json(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::error_code error = std::make_error_code(std::errc::file_too_large);
    if (text.size() <= max_bytes_) {
        error = folder_.write(file_of(report.id, kReportEnding), file_of(report.id, kUnfinishedEnding),
                              {std::as_bytes(std::span(text))});
    }
    if (error) {
        complain_once(error, complain);
    }
}

// The folder's limits are kept by whoever writes: another host may have written, or removed, at the same moment.
void ReportStore::make_room() const {
    std::error_code error;
    const auto all = scan_reports(folder_.path(), error);
    std::size_t count = all.size();
    std::uint64_t bytes = 0;
    for (const ReportFiles& files : all) {
        bytes += files.bytes;
    }
    const auto now = std::filesystem::file_time_type::clock::now();
    for (const ReportFiles& files : all) {
        if (count <= max_reports_ && bytes <= max_bytes_) {
            return;
        }
        if (is_coming(files, now)) {
            continue;
        }
        for (const std::string_view ending : {kReproEnding, kReportEnding, kUnfinishedEnding}) {
            folder_.remove(file_of(files.id, ending));
        }
        --count;
        bytes -= files.bytes;
    }
}

void ReportStore::complain_once(const std::error_code& error, const Complaint& complain) {
    if (complained_.insert(error).second) {
        complain("its report could not be kept in " + folder_.path().string() + ": " + error.message() +
                 "; this is said once");
    }
}

}  // namespace bulkhead::detail
