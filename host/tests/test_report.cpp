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
    CHECK(report_of(Cause::unknown).clause() ==
          "died, and how is not known: its parent process died too or was held up");
}

TEST_CASE("a clause tells which step or which call the worker was at") {
    Report report = report_of(Cause::crash);
    report.signal = SIGSEGV;
    report.step = "while its library was being loaded";
    CHECK(report.clause() == "crashed with SIGSEGV (11) while its library was being loaded");
    report.step = "in its destroy function";
    report.phase = Phase::stopping;
    CHECK(report.clause() == "crashed with SIGSEGV (11) in its destroy function while it was being stopped");
    report.step.clear();
    CHECK(report.clause() == "crashed with SIGSEGV (11) while it was being stopped");
    report.running_method = "resize";
    CHECK(report.clause() == "crashed with SIGSEGV (11) while running 'resize' when it was being stopped");
    report.phase = Phase::serving;
    CHECK(report.clause() == "crashed with SIGSEGV (11) while running 'resize'");
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
    CHECK(to_string(Phase::standing_by) == "standing_by");
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
