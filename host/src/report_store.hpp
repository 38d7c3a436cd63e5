// Reports and repros on their way to the folder of HostOptions::reports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "bulkhead/host/host.hpp"
#include "bulkhead/host/report.hpp"
#include "bulkhead/host/repro.hpp"
#include "private_folder.hpp"

namespace bulkhead::detail {

// One per host that keeps reports; others may use the same folder. Any thread; keep() blocks for the disk.
class ReportStore {
  public:
    // Hears in one sentence why something could not be kept.
    using Complaint = std::function<void(std::string_view)>;

    explicit ReportStore(const HostOptions& options);

    // 0: none is wanted.
    std::uint64_t max_repro_bytes() const noexcept { return max_repro_bytes_; }
    // Where the repro of a report will be.
    std::filesystem::path repro_path(const std::string& id) const;
    // Takes a repro until its report is kept. Does not block. False: there are too many already.
    bool hold(const std::string& id, Repro repro);

    // Writes a report and the repro that is held for it, then makes room. Returns the report as it is now: without the
    // repro when that could not be written. An error is complained of when it is the first of its kind.
    std::shared_ptr<const Report> keep(const std::shared_ptr<const Report>& report, const Complaint& complain);

  private:
    std::optional<Repro> take(const std::string& id);
    std::string write_repro(Repro& repro, const Report& report, std::uint64_t report_bytes) const;
    std::error_code write_report(const std::string& id, const std::string& text) const;
    void make_room(const std::string& newest) const;
    void warn_once(const Complaint& complain);
    void complain_once(const std::error_code& error, const Complaint& complain);

    const PrivateFolder folder_;
    const std::uint32_t max_reports_;
    const std::uint64_t max_bytes_;
    const std::uint64_t max_repro_bytes_;

    std::mutex held_mutex_;  // guards both below
    std::map<std::string, Repro> held_;
    std::uint64_t held_bytes_ = 0;

    std::mutex disk_mutex_;  // one at a time; guards what is below
    std::set<std::error_code> complained_;
    bool warned_ = false;
};

}  // namespace bulkhead::detail
