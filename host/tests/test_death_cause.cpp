#include "death_cause.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <fstream>

#include "support/scratch_folder.hpp"

namespace bulkhead::detail {

using testing::ScratchFolder;

namespace {

void write(const std::filesystem::path& file, std::string_view text) { std::ofstream(file) << text; }

TEST_CASE("the kernel's counter of such deaths is noticed each time it grows") {
    const ScratchFolder folder;
    const auto file = folder.path() / "vmstat";
    write(file, "nr_free_pages 7\noom_kill 3\nother 1\n");
    OomKills kills(std::vector<std::filesystem::path>{folder.path() / "none", file});
    CHECK_FALSE(kills.any_since_asked());
    write(file, "nr_free_pages 7\noom_kill 4\nother 1\n");
    CHECK(kills.any_since_asked());
    CHECK_FALSE(kills.any_since_asked());
}

TEST_CASE("a SIGKILL is probably the kernel's for want of memory when its counter has grown, else not") {
    const ScratchFolder folder;
    const auto file = folder.path() / "memory.events";
    write(file, "low 0\noom_kill 0\n");
    OomKills kills(std::vector<std::filesystem::path>{file});
    const auto killed = [] {
        Report report;
        report.cause = Cause::killed;
        report.signal = SIGKILL;
        return report;
    };
    Report report = killed();
    refine_cause(report, {}, {}, kills);
    CHECK(report.cause == Cause::killed);
    CHECK(report.detail.empty());
    write(file, "low 0\noom_kill 1\n");
    refine_cause(report, {}, {}, kills);
    CHECK(report.cause == Cause::out_of_memory);
    CHECK(report.detail.starts_with("probably"));
    report = killed();
    refine_cause(report, {}, {}, kills);
    CHECK(report.cause == Cause::killed);
}

TEST_CASE("without an exit status the crash handler's record tells the cause, and without that it is unknown") {
    Report report;
    apply_record(report);
    CHECK(report.cause == Cause::unknown);
    report.crash.emplace().signal = SIGABRT;
    apply_record(report);
    CHECK(report.cause == Cause::abort);
    CHECK(report.signal == SIGABRT);
}

TEST_CASE("causes that are no crash are left alone") {
    OomKills none(std::vector<std::filesystem::path>{});
    CrashNotes notes;
    notes.bad_allocation = true;
    for (const Cause cause : {Cause::exit, Cause::hang, Cause::protocol_violation, Cause::host_request}) {
        Report report;
        report.cause = cause;
        refine_cause(report, notes, {}, none);
        CHECK(report.cause == cause);
    }
}

TEST_CASE("the kernel's signals for a limit are a violation where the manifest has that limit, else a kill") {
    OomKills none(std::vector<std::filesystem::path>{});
    ProcessLimits cpu;
    cpu.cpu_seconds = 1;
    ProcessLimits file;
    file.file_size = 1;
    const auto refined = [&](int signal, const ProcessLimits& limits) {
        Report report;
        report.cause = Cause::killed;
        report.signal = signal;
        refine_cause(report, {}, limits, none);
        return report;
    };
    CHECK(refined(SIGXCPU, cpu).cause == Cause::policy_violation);
    CHECK(refined(SIGXCPU, cpu).detail == "limits.cpu_seconds was used up");
    CHECK(refined(SIGXFSZ, file).cause == Cause::policy_violation);
    CHECK(refined(SIGXFSZ, file).detail == "limits.file_size was reached");
    CHECK(refined(SIGXCPU, file).cause == Cause::killed);
    CHECK(refined(SIGXFSZ, cpu).cause == Cause::killed);
    CHECK(refined(SIGKILL, cpu).cause == Cause::killed);
}

TEST_CASE("SIGBUS in the channel is want of memory, elsewhere it is not") {
    OomKills none(std::vector<std::filesystem::path>{});
    Report report;
    report.cause = Cause::crash;
    report.signal = SIGBUS;
    refine_cause(report, {}, {}, none);
    CHECK(report.cause == Cause::crash);
    CrashNotes notes;
    notes.fault_in_channel = true;
    refine_cause(report, notes, {}, none);
    CHECK(report.cause == Cause::out_of_memory);
    CHECK(report.detail == "the machine had no memory for the channel");
}

TEST_CASE("last words about memory make an abort probably out of memory") {
    OomKills none(std::vector<std::filesystem::path>{});
    for (const char* words :
         {"memory allocation of 99 bytes failed", "terminate called after throwing an instance of 'std::bad_alloc'"}) {
        Report report;
        report.cause = Cause::abort;
        report.signal = SIGABRT;
        report.last_lines = {"hello", words};
        refine_cause(report, {}, {}, none);
        CHECK(report.cause == Cause::out_of_memory);
        CHECK(report.detail.starts_with("probably"));
    }
}

}  // namespace
}  // namespace bulkhead::detail
