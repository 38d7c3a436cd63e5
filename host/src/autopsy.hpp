// One dead worker on the table.
#pragma once

#include <bulkhead/transport/black_box.hpp>
#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/waiting.hpp>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "bulkhead/host/report.hpp"
#include "launcher.hpp"
#include "release.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

// A copy of the black box, the process that explains it and what that has said so far. Owned by PostMortem; kept by its
// launch order until that is sent. Supervisor thread.
class Autopsy : public LaunchListener {
  public:
    enum class Read { more, all, too_much };

    // `error`: no descriptor is free, or no memory.
    Autopsy(std::shared_ptr<const Report> report, const transport::BlackBox& box,
            std::shared_ptr<const Release> release, std::error_code& error);

    // Makes the pipe of another attempt.
    std::error_code open_pipe();
    std::vector<int> descriptors() const;

    const transport::Descriptor& output() const noexcept { return output_; }
    Read read_output();
    // Ends the process if there is one.
    void kill() noexcept;

    // The report with what the process has said, which may be anything.
    std::shared_ptr<const Report> finished_report() const;
    const Report& report() const noexcept { return *report_; }
    // No process has said anything, and somebody may have killed it.
    bool deserves_another_attempt() const noexcept;

    void on_started(std::uint64_t start_id, std::int32_t pid, transport::Descriptor pidfd) override;
    void on_start_failed(std::uint64_t start_id, int error) override;

    std::uint64_t start_id = 0;  // of the last attempt
    Supervisor::Id watch = 0;
    transport::SteadyTime deadline;
    int attempts = 0;
    bool timed_out = false;
    bool unattended = false;  // no process could be had for the last attempt

  private:
    const std::shared_ptr<const Report> report_;
    const std::shared_ptr<const Release> release_;
    std::vector<Module> modules_;
    transport::Descriptor box_;  // sealed copy
    transport::Descriptor output_;
    transport::Descriptor output_far_;
    transport::Descriptor pidfd_;
    std::string answer_;
};

}  // namespace bulkhead::detail
