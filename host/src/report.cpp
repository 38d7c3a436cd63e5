#include "bulkhead/host/report.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <ios>
#include <sstream>

namespace bulkhead {
namespace {

constexpr std::array<std::string_view, 9> kCauseNames = {
    "crash", "abort", "exit", "killed", "hang", "protocol_violation", "start_failure", "host_request", "unknown"};
static_assert(kCauseNames.size() == static_cast<std::size_t>(Cause::unknown) + 1);

double milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

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
        case Cause::unknown:
            break;
    }
    return "died, and how is not known because its parent process died with it";
}

}  // namespace

std::string_view to_string(Cause cause) noexcept { return kCauseNames.at(static_cast<std::size_t>(cause)); }

std::string signal_name(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name != nullptr ? std::string("SIG") + name : "signal";
}

std::string Report::clause() const {
    std::string text = what_happened(*this);
    if (!step.empty()) {
        text += " " + step;
    }
    if (!running_method.empty()) {
        text += " while running '" + running_method + "'";
    }
    return text;
}

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

std::string Report::text() const {
    std::ostringstream out;
    out << "plugin " << plugin << " " << version << ": its worker " << clause() << "\n";
    if (!id.empty()) {
        out << "  report " << id << "\n";
    }
    if (crash) {
        out << "  " << crash->clause() << "\n";
    }
    if (!running_method.empty()) {
        out << "  running: " << running_method << ", " << running_payload << " bytes, made "
            << milliseconds(running_age) << " ms before\n";
    }
    out << "  life " << incarnation << ", up " << milliseconds(uptime) << " ms, " << restarts << " restarts before\n"
        << "  cpu " << milliseconds(user_time) << " ms user, " << milliseconds(system_time) << " ms system, peak "
        << peak_resident_bytes / 1024 << " KiB resident\n";
    for (const std::string& line : last_lines) {
        out << "  | " << line << "\n";
    }
    return out.str();
}

}  // namespace bulkhead
