// What a person reads of a death.
#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "bulkhead/host/report.hpp"
#include "support/sample_report.hpp"

namespace bulkhead {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("the text of a report has what one wants first at the top") {
    CHECK(testing::sample_report().text() ==
          "plugin resizer 2.1: its worker crashed with SIGSEGV (11) at 0x10, the null page, while running 'resize'\n"
          "  report resizer-3-5f2c91ab\n"
          "  SEGV_MAPERR at 0x10, the null page; instruction libresizer.so+0x1139, dispatcher thread\n"
          "  running: resize, 1234 bytes, made 1.5 ms before, call 4711, trace abababababababababababababababab\n"
          "  backtrace\n"
          "    #0 scale(Image&) at src/scale.cpp:42 (libresizer.so+0x1139)\n"
          "    #1 unknown function (libresizer.so+0x1200)\n"
          "    #2 unknown function (0x10, in no library)\n"
          "    it ends here: the stack is damaged\n"
          "  again: bulkhead replay /var/lib/reports/resizer-3-5f2c91ab.repro\n"
          "  | opening a.png\n"
          "  | out of luck\n"
          "  recent calls\n"
          "    resize, 1 byte, made 2 ms before, call 4710, answered\n"
          "    rotate, 0 bytes, made 3 ms before, call 4709, begun and not answered\n"
          "  registers\n"
          "    rip    0x7f0000001139      rax    0x0                 rsp    0xffffffffffffffff  rbp    0x1\n"
          "    r8     0x2\n"
          "  cpu 30 ms user, 4 ms system, peak 64 KiB resident\n"
          "  life 3, up 2000 ms, 2 restarts before, died 2023-11-14 22:13:20 UTC\n"
          "  modules\n"
          "    0x7f0000000000-0x7f0000004000 libresizer.so, build id 00ff\n"
          "    0x7e0000000000-0x7e0000004000 libc.so.6, no build id\n");
}

TEST_CASE("the text of a report of which little is known says so") {
    Report report;
    report.plugin = "resizer";
    report.version = "2.1";
    report.incarnation = 1;
    report.cause = Cause::killed;
    report.signal = SIGKILL;
    CHECK(report.text() ==
          "plugin resizer 2.1: its worker was killed with SIGKILL (9)\n"
          "  no call was running\n"
          "  backtrace: not known\n"
          "  cpu 0 ms user, 0 ms system, peak 0 KiB resident\n"
          "  life 1, up 0 ms, 0 restarts before\n");
    report.backtrace_note = "the kernel ended it at once";
    report.repro_note = "too many deaths at once";
    CHECK(contains(report.text(), "  backtrace: the kernel ended it at once\n"));
    CHECK(contains(report.text(), "  no repro was saved: too many deaths at once\n"));
    report.phase = Phase::standing_by;
    CHECK(contains(report.text(), "plugin resizer 2.1: its standby was killed with SIGKILL (9)\n"));
    report.step = "while its library was being loaded";
    CHECK_FALSE(contains(report.text(), "no call was running"));
}

TEST_CASE("the first line tells an address only when the signal that ended the worker was about it") {
    Report report = testing::sample_report();
    report.running_method.clear();
    CHECK(contains(report.text(), "SIGSEGV (11) at 0x10, the null page\n"));
    report.step = "in its create function";
    CHECK(contains(report.text(), "SIGSEGV (11) at 0x10, the null page, in its create function\n"));
    report.signal = SIGKILL;
    report.cause = Cause::killed;
    CHECK(contains(report.text(), "killed with SIGKILL (9) in its create function\n"));
    report.crash->fault_address.reset();
    report.crash->signal = SIGKILL;
    CHECK(contains(report.text(), "killed with SIGKILL (9) in its create function\n"));
}

TEST_CASE("the command that reproduces a death is one for the shell, whatever the folder is called") {
    Report report;
    CHECK(report.replay_command().empty());
    report.repro = "/tmp/a-1-00000000.repro";
    CHECK(report.replay_command() == "bulkhead replay /tmp/a-1-00000000.repro");
    report.repro = "/tmp/it's here/a.repro";
    CHECK(report.replay_command() == "bulkhead replay '/tmp/it'\\''s here/a.repro'");
}

}  // namespace
}  // namespace bulkhead
