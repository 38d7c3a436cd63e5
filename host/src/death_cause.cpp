#include "death_cause.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <string_view>

namespace bulkhead::detail {
namespace {

constexpr int kSystemCallFiltered = 1;  // SYS_SECCOMP

Cause cause_of(int signal) {
    switch (signal) {
        case SIGABRT:
            return Cause::abort;
        case SIGSEGV:
        case SIGBUS:
        case SIGILL:
        case SIGFPE:
        case SIGTRAP:
        case SIGSYS:
            return Cause::crash;
        default:
            return Cause::killed;
    }
}

void change(Report& report, Cause cause, std::string detail) {
    report.cause = cause;
    report.detail = std::move(detail);
}

// What C++ libraries of a plugin's own and Rust print before they abort.
bool speaks_of_memory(const std::string& line) {
    return line.find("terminate called after throwing an instance of 'std::bad_alloc'") != std::string::npos ||
           (line.find("memory allocation of ") != std::string::npos && line.find(" failed") != std::string::npos);
}

void refine_crash(Report& report, const CrashNotes& notes) {
    const bool filtered = report.signal == SIGSYS && (!report.crash || report.crash->code == kSystemCallFiltered);
    if (filtered) {
        change(report, Cause::policy_violation,
               notes.system_call ? "system call " + std::to_string(*notes.system_call) : "a system call");
    } else if (notes.bad_allocation) {
        change(report, Cause::out_of_memory, "an uncaught std::bad_alloc");
    } else if (notes.fault_in_channel && report.signal == SIGBUS) {
        change(report, Cause::out_of_memory, "the machine had no memory for the channel");
    } else if (notes.address_space_used_up) {
        change(report, Cause::out_of_memory, "limits.address_space was used up");
    } else if (report.cause == Cause::abort && !report.last_lines.empty() &&
               std::any_of(report.last_lines.begin(), report.last_lines.end(), speaks_of_memory)) {
        change(report, Cause::out_of_memory, "probably: its last words say so");
    } else if (!notes.exception.empty()) {
        report.detail = "uncaught " + notes.exception;
    }
}

// SIGXCPU and SIGXFSZ are the kernel's word that a limit was reached; without that limit somebody else sent them.
void refine_kill(Report& report, const ProcessLimits& limits, OomKills& oom_kills) {
    if (report.signal == SIGXCPU && limits.cpu_seconds != 0) {
        change(report, Cause::policy_violation, "limits.cpu_seconds was used up");
    } else if (report.signal == SIGXFSZ && limits.file_size != 0) {
        change(report, Cause::policy_violation, "limits.file_size was reached");
    } else if (report.signal == SIGKILL && oom_kills.any_since_asked()) {
        change(report, Cause::out_of_memory, "probably: the kernel's OOM killer ended a process at that time");
    }
}

}  // namespace

void apply_exit(Report& report, const transport::ExitedMessage& exit) {
    report.user_time = std::chrono::microseconds(exit.user_microseconds);
    report.system_time = std::chrono::microseconds(exit.system_microseconds);
    report.peak_resident_bytes = exit.peak_resident_bytes;
    if (WIFSIGNALED(exit.wait_status)) {
        report.signal = WTERMSIG(exit.wait_status);
        report.cause = cause_of(report.signal);
    } else {
        report.exit_code = WEXITSTATUS(exit.wait_status);
        report.cause = Cause::exit;
    }
}

void apply_record(Report& report) {
    if (report.crash) {
        report.signal = report.crash->signal;
        report.cause = cause_of(report.signal);
    }
}

void refine_cause(Report& report, const CrashNotes& notes, const ProcessLimits& limits, OomKills& oom_kills) {
    if (report.cause == Cause::crash || report.cause == Cause::abort) {
        refine_crash(report, notes);
    } else if (report.cause == Cause::killed) {
        refine_kill(report, limits, oom_kills);
    }
}

}  // namespace bulkhead::detail
