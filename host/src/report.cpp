#include "bulkhead/host/report.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <ios>
#include <sstream>

#include "report_words.hpp"

namespace bulkhead {
namespace {

constexpr std::array<std::string_view, 11> kCauseNames = {
    "crash",        "abort",   "exit",          "killed",          "hang", "protocol_violation", "start_failure",
    "host_request", "unknown", "out_of_memory", "policy_violation"};
static_assert(kCauseNames.size() == static_cast<std::size_t>(Cause::policy_violation) + 1);

constexpr std::array<std::string_view, 4> kPhaseNames = {"starting", "standing_by", "serving", "stopping"};
static_assert(kPhaseNames.size() == static_cast<std::size_t>(Phase::stopping) + 1);

std::string what_happened(const Report& report) {
    const std::string signal = signal_name(report.signal) + " (" + std::to_string(report.signal) + ")";
    switch (report.cause) {
        case Cause::crash:
        case Cause::abort:
            return "crashed with " + signal;
        case Cause::exit:
            return "exited with code " + std::to_string(report.exit_code);
        case Cause::killed:
            return "was killed with " + signal;
        case Cause::hang:
            return "hung and was ended";
        case Cause::protocol_violation:
            return "broke the channel's protocol (" + report.detail + ") and was ended";
        case Cause::start_failure:
            return "could not start: " + report.detail;
        case Cause::host_request:
            return "was ended by the host";
        case Cause::out_of_memory:
            return "ran out of memory (" + report.detail + ")";
        case Cause::policy_violation:
            return "did what its policy forbids (" + report.detail + ")";
        case Cause::unknown:
            break;
    }
    return "died, and how is not known: its parent process died too or was held up";
}

}  // namespace

std::string_view to_string(Cause cause) noexcept { return kCauseNames.at(static_cast<std::size_t>(cause)); }

std::string_view to_string(Phase phase) noexcept { return kPhaseNames.at(static_cast<std::size_t>(phase)); }

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name != nullptr ? std::string("SIG") + name : "signal";
}

std::string detail::subject_of(const Report& report) {
    return report.phase == Phase::standing_by ? "its standby" : "its worker";
}

std::string detail::moment_of(const Report& report) {
    constexpr std::string_view kInStop = "while it was being stopped";
    if (report.phase != Phase::stopping) {
        return report.step;
    }
    return report.step.empty() ? std::string(kInStop) : report.step + " " + std::string(kInStop);
}

std::string detail::clause_of(const Report& report, std::string_view where) {
    std::string text = what_happened(report).append(where);
    if (!report.running_method.empty()) {
        text += " while running '" + report.running_method + "'";
        text += report.phase == Phase::stopping ? " when it was being stopped" : "";
    } else if (const std::string moment = moment_of(report); !moment.empty()) {
        text += " " + moment;
    }
    return text;
}

std::string Report::clause() const { return detail::clause_of(*this, ""); }

std::string Crash::clause() const {
    std::ostringstream out;
    out << std::hex << std::showbase << code_name;
    if (fault_address) {
        out << " at " << *fault_address << ", " << fault_region;
    }
    out << "; instruction ";
    if (instruction_module.empty()) {
        out << instruction << " in no library";
    } else {
        out << instruction_module << "+" << instruction_offset;
    }
    out << (on_dispatcher ? ", dispatcher thread" : ", a thread of the plugin's own");
    return out.str();
}

}  // namespace bulkhead
