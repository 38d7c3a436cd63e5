#include "bulkhead/host/report.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "bulkhead/host/error.hpp"

namespace bulkhead {
namespace {

using namespace std::chrono_literals;

Report report_of(Cause cause) {
    Report report;
    report.plugin = "resizer";
    report.version = "2.1";
    report.incarnation = 3;
    report.restarts = 2;
    report.cause = cause;
    return report;
}

TEST_CASE("each cause has one clause") {
    Report report = report_of(Cause::crash);
    report.signal = SIGSEGV;
    CHECK(report.clause() == "crashed with SIGSEGV (11)");
    report = report_of(Cause::abort);
    report.signal = SIGABRT;
    CHECK(report.clause() == "crashed with SIGABRT (6)");
    report = report_of(Cause::exit);
    report.exit_code = 7;
    CHECK(report.clause() == "exited with code 7");
    report = report_of(Cause::killed);
    report.signal = SIGKILL;
    CHECK(report.clause() == "was killed with SIGKILL (9)");
    CHECK(report_of(Cause::hang).clause() == "hung and was ended");
    report = report_of(Cause::protocol_violation);
    report.detail = "a reply of an unknown kind";
    CHECK(report.clause() == "broke the channel's protocol (a reply of an unknown kind) and was ended");
    report = report_of(Cause::start_failure);
    report.detail = "its create function failed: no disk";
    CHECK(report.clause() == "could not start: its create function failed: no disk");
    CHECK(report_of(Cause::host_request).clause() == "was ended by the host");
    CHECK(report_of(Cause::unknown).clause() == "died, and how is not known because its parent process died with it");
}

TEST_CASE("a clause tells which step or which call the worker was at") {
    Report report = report_of(Cause::crash);
    report.signal = SIGSEGV;
    report.step = "while its library was being loaded";
    CHECK(report.clause() == "crashed with SIGSEGV (11) while its library was being loaded");
    report.step.clear();
    report.running_method = "resize";
    CHECK(report.clause() == "crashed with SIGSEGV (11) while running 'resize'");
}

TEST_CASE("the text of a report has one fact per line and ends with the last lines") {
    Report report = report_of(Cause::killed);
    report.signal = SIGKILL;
    report.running_method = "resize";
    report.running_payload = 1234;
    report.running_age = 1500us;
    report.uptime = 2s;
    report.user_time = 30ms;
    report.system_time = 4ms;
    report.peak_resident_bytes = 64 * 1024;
    report.last_lines = {"opening a.png", "out of luck"};
    CHECK(report.text() ==
          "plugin resizer 2.1: its worker was killed with SIGKILL (9) while running 'resize'\n"
          "  running: resize, 1234 bytes, made 1.5 ms before\n"
          "  life 3, up 2000 ms, 2 restarts before\n"
          "  cpu 30 ms user, 4 ms system, peak 64 KiB resident\n"
          "  | opening a.png\n"
          "  | out of luck\n");
}

TEST_CASE("the text of a report has its id, so that a log and an answer can be brought together") {
    Report report = report_of(Cause::hang);
    report.id = "resizer-3-5f2c91ab";
    CHECK(report.text().find("\n  report resizer-3-5f2c91ab\n") != std::string::npos);
}

TEST_CASE("the text of an idle worker's death names no call") {
    CHECK(report_of(Cause::hang).text().find("running") == std::string::npos);
}

TEST_CASE("signals are called by their names as far as they have one") {
    CHECK(signal_name(SIGSEGV) == "SIGSEGV");
    CHECK(signal_name(SIGTERM) == "SIGTERM");
    CHECK(signal_name(SIGSYS) == "SIGSYS");
    for (const int nameless : {0, -1, 60, 4711}) {
        CHECK(signal_name(nameless) == "signal");
    }
}

TEST_CASE("causes, codes and effects have names of their own") {
    CHECK(to_string(Cause::crash) == "crash");
    CHECK(to_string(Cause::protocol_violation) == "protocol_violation");
    CHECK(to_string(Cause::unknown) == "unknown");
    CHECK(to_string(ErrorCode::plugin_failed) == "plugin_failed");
    CHECK(to_string(ErrorCode::session_lost) == "session_lost");
    CHECK(to_string(Effect::none) == "none");
    CHECK(to_string(Effect::committed) == "committed");
}

TEST_CASE("value() of a failed result throws the error itself") {
    const result<int> failed = Error{ErrorCode::timed_out, Effect::unknown, 0, "it took too long", nullptr};
    try {
        static_cast<void>(failed.value());
        FAIL("nothing was thrown");
    } catch (const BadResult& thrown) {
        CHECK(thrown.error().code == ErrorCode::timed_out);
        CHECK(std::string(thrown.what()) == "it took too long");
    }
}

}  // namespace
}  // namespace bulkhead
