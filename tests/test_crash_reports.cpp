// What a report says about a crash, whatever the crash did to the stack and the heap.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <future>
#include <string>
#include <string_view>

#include "support/death.hpp"
#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

std::uint64_t value_of(const Crash& crash, std::string_view name) {
    const auto found = std::find_if(crash.registers.begin(), crash.registers.end(),
                                    [name](const Register& candidate) { return candidate.name == name; });
    REQUIRE(found != crash.registers.end());
    return found->value;
}

TEST_CASE("a write through a null pointer is reported with its address and its instruction") {
    Service service;
    const Report report = report_of(service, "segfault");
    REQUIRE(report.crash);
    const Crash& crash = *report.crash;
    CHECK(crash.signal == SIGSEGV);
    CHECK(crash.code_name == "SEGV_MAPERR");
    CHECK(crash.fault_address == 0);
    CHECK(crash.fault_region == "the null page");
    CHECK(crash.on_dispatcher);
    CHECK(crash.instruction_module == "libfaulty.so");
    CHECK(crash.instruction_offset > 0);
    CHECK(value_of(crash, "rip") == crash.instruction);
    CHECK(contains(report.text(), "SEGV_MAPERR at 0, the null page; instruction libfaulty.so+0x"));
    CHECK(contains(report.text(), ", dispatcher thread\n"));
}

// Lets the process run until a signal is about to reach it, and so held there. False: it died instead.
bool hold_at(pid_t process, int signal) {
    int status = 0;
    while (::waitpid(process, &status, __WALL) == process && WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == signal) {
            return true;
        }
        ::ptrace(PTRACE_CONT, process, nullptr, WSTOPSIG(status));
    }
    return false;
}

TEST_CASE("a crash that does not come to its end is told as what it is when the host ends it") {
    Service service;
    const pid_t worker = service.worker();
    REQUIRE(::ptrace(PTRACE_SEIZE, worker, nullptr, nullptr) == 0);
    auto lost = std::async(std::launch::async, [&] { return summary(service.plugin().call("segfault", "")); });
    REQUIRE(hold_at(worker, SIGSEGV));
    REQUIRE(::ptrace(PTRACE_CONT, worker, nullptr, SIGSEGV) == 0);  // to the crash handler
    REQUIRE(hold_at(worker, SIGSEGV));                              // from there to the end
    CHECK_FALSE(hold_at(worker, SIGSEGV));                          // the host's patience is over
    CHECK(lost.get() == "crashed/unknown");
    REQUIRE(service.deaths().await_count(1));
    const Report report = service.deaths().all().front();
    CHECK(report.cause == Cause::crash);
    CHECK(report.signal == SIGSEGV);
}

TEST_CASE("a report knows the libraries by their files' names and their build ids") {
    Service service;
    const Report report = report_of(service, "segfault");
    REQUIRE(report.crash);
    const auto& modules = report.crash->modules;
    const auto plugin = std::find_if(modules.begin(), modules.end(),
                                     [](const Module& module) { return module.name == "libfaulty.so"; });
    REQUIRE(plugin != modules.end());
    CHECK(plugin->begin < plugin->end);
    CHECK(plugin->build_id.size() == 40);
    CHECK(std::any_of(modules.begin(), modules.end(), [](const Module& module) { return module.name == "libc.so.6"; }));
    CHECK(std::any_of(modules.begin(), modules.end(),
                      [](const Module& module) { return module.name == "bulkhead-worker"; }));
    const std::uint64_t instruction = report.crash->instruction;
    CHECK(instruction >= plugin->code_begin);
    CHECK(instruction < plugin->code_end);
}

TEST_CASE("a call through a null pointer has its instruction nowhere") {
    Service service;
    const Report report = report_of(service, "null_call");
    REQUIRE(report.crash);
    CHECK(report.crash->instruction == 0);
    CHECK(report.crash->instruction_module.empty());
    CHECK(report.crash->fault_region == "the null page");
    CHECK(contains(report.text(), "instruction 0 in no library"));
}

void check_stack_overflows(const Service& service) {
    for (const bool on_dispatcher : {true, false}) {
        const Report report = report_of(service, on_dispatcher ? "overflow_stack" : "overflow_thread_stack");
        CHECK(report.signal == SIGSEGV);
        REQUIRE(report.crash);
        CHECK(report.crash->on_dispatcher == on_dispatcher);
        CHECK(report.crash->fault_region == "the stack guard: the stack has overflowed");
        CHECK(report.crash->instruction_module == "libfaulty.so");
    }
}

TEST_CASE("a stack overflow is recognised, on the dispatcher and in the plugin's threads") {
    const Service service;
    check_stack_overflows(service);
}

TEST_CASE("a stack overflow is recognised where the manifest limits the stack") {
    const Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"stack", 1 << 20}}}}));
    check_stack_overflows(service);
}

TEST_CASE("a crash of a thread while no call runs is reported as that thread's") {
    Service service;
    const Report report = report_of(service, "crash_in_thread");
    REQUIRE(report.crash);
    CHECK_FALSE(report.crash->on_dispatcher);
    CHECK(report.crash->fault_region == "the null page");
    CHECK(contains(report.text(), ", a thread of the plugin's own\n"));
}

TEST_CASE("an abort has no address at fault, whoever aborts") {
    Service service;
    for (const std::string_view method : {"abort", "corrupt_heap", "throw_through"}) {
        CAPTURE(method);
        const Report report = report_of(service, method);
        CHECK(report.cause == Cause::abort);
        REQUIRE(report.crash);
        CHECK(report.crash->signal == SIGABRT);
        CHECK(report.crash->code_name == "SI_TKILL");
        CHECK_FALSE(report.crash->fault_address);
        CHECK(report.crash->on_dispatcher);
    }
}

TEST_CASE("a signal that the plugin sends itself ends it, and is told from a fault") {
    Service service;
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) {
        CAPTURE(number);
        const Report report = report_of(service, "raise", std::to_string(number));
        CHECK(report.cause == Cause::crash);
        CHECK(report.signal == number);
        REQUIRE(report.crash);
        CHECK(report.crash->code_name == "SI_TKILL");
        CHECK_FALSE(report.crash->fault_address);
    }
}

TEST_CASE("a smashed stack still leaves a report") {
    Service service;
    const Report report = report_of(service, "smash_stack");
    CHECK((report.cause == Cause::crash || report.cause == Cause::abort));
    CHECK(report.crash.has_value());
}

TEST_CASE("a death that was no crash of the worker's own has no crash in its report") {
    Service service;
    CHECK_FALSE(report_of(service, "exit", "3").crash);
    CHECK_FALSE(report_of(service, "raise", std::to_string(SIGKILL)).crash);
    CHECK_FALSE(report_of(service, "raise", std::to_string(SIGTERM)).crash);
}

}  // namespace
}  // namespace bulkhead::tests
