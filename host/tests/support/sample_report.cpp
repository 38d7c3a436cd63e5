#include "support/sample_report.hpp"

#include <csignal>

namespace bulkhead::testing {

using namespace std::chrono_literals;

Report sample_report() {
    Report report;
    report.id = "resizer-3-5f2c91ab";
    report.plugin = "resizer";
    report.version = "2.1";
    report.incarnation = 3;
    report.time = std::chrono::system_clock::from_time_t(1'700'000'000);
    report.cause = Cause::crash;
    report.signal = SIGSEGV;
    report.running_method = "resize";
    report.running_age = 1500us;
    report.running_payload = 1234;
    report.running_id = 4711;
    report.running_trace.emplace().fill(0xAB);
    report.recent_calls = {{4710, "resize", 1, 2ms, true}, {4709, "rotate", 0, 3ms, false}};
    report.uptime = 2s;
    report.restarts = 2;
    report.last_lines = {"opening a.png", "out of luck"};
    report.user_time = 30ms;
    report.system_time = 4ms;
    report.peak_resident_bytes = 65536;
    Crash& crash = report.crash.emplace();
    crash.signal = SIGSEGV;
    crash.code = 1;
    crash.code_name = "SEGV_MAPERR";
    crash.fault_address = 0x10;
    crash.fault_region = "the null page";
    crash.thread = 7;
    crash.on_dispatcher = true;
    crash.instruction = 0x7f0000001139;
    crash.instruction_module = "libresizer.so";
    crash.instruction_offset = 0x1139;
    crash.registers = {{"rip", 0x7f0000001139}, {"rax", 0}, {"rsp", ~std::uint64_t{0}}, {"rbp", 1}, {"r8", 2}};
    crash.modules = {
        {"libresizer.so", 0x7f0000000000, 0x7f0000004000, 0x7f0000001000, 0x7f0000002000, 0x7f0000000000, "00ff"},
        {"libc.so.6", 0x7e0000000000, 0x7e0000004000, 0x7e0000001000, 0x7e0000002000, 0x7e0000000000, ""}};
    report.backtrace = {{0x7f0000001139, "libresizer.so", 0x1139, "scale(Image&)", "src/scale.cpp", 42},
                        {0x7f0000001200, "libresizer.so", 0x1200, "", "", 0},
                        {0x10, "", 0, "", "", 0}};
    report.backtrace_note = "it ends here: the stack is damaged";
    report.repro = "/var/lib/reports/resizer-3-5f2c91ab.repro";
    return report;
}

}  // namespace bulkhead::testing
