// Ways for a worker to die.
#pragma once

#include <array>
#include <bulkhead/host/report.hpp>
#include <csignal>
#include <string_view>

namespace bulkhead::demo {

// What is done to the faulty plugin, and what the report must say of it.
struct Fault {
    std::string_view name;
    std::string_view method;  // of the faulty plugin; empty: SIGKILL from outside
    std::string_view request;
    Cause cause;
    int signal;
    int exit_code;
};

inline constexpr std::array kFaults = {
    Fault{"writes to a null pointer", "segfault", "", Cause::crash, SIGSEGV, 0},
    Fault{"calls abort()", "abort", "", Cause::abort, SIGABRT, 0},
    Fault{"calls exit(3)", "exit", "3", Cause::exit, 0, 3},
    Fault{"overflows its stack", "overflow_stack", "", Cause::crash, SIGSEGV, 0},
    Fault{"corrupts its heap", "corrupt_heap", "", Cause::abort, SIGABRT, 0},
    Fault{"throws through the C ABI", "throw_through", "", Cause::abort, SIGABRT, 0},
    Fault{"calls a null pointer", "null_call", "", Cause::crash, SIGSEGV, 0},
    Fault{"is killed with kill -9", "", "", Cause::killed, SIGKILL, 0},
};

inline bool is_report_of(const Report& report, const Fault& fault) {
    return report.cause == fault.cause && report.signal == fault.signal && report.exit_code == fault.exit_code;
}

}  // namespace bulkhead::demo
