// Law 6: the host is a guest in the server, whatever kind of server that is.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "support/places.hpp"
#include "support/program.hpp"
#include "support/scale.hpp"

namespace bulkhead::tests {
namespace {

// A program that ends well has said "done" and nothing else that begins with "FAILED". One that hangs is found out
// before ctest ends the test, so that what it printed is told.
void check_ends_well(Program& program) {
    const std::string end = program.await_end(std::chrono::seconds(80));
    CHECK_MESSAGE(end == "exit 0", program.output());
    CHECK_MESSAGE(program.output().ends_with("done\n"), program.output());
}

TEST_CASE("a server that ignores SIGCHLD is served") {
    Program program(built_program("ignores_sigchld"));
    check_ends_well(program);
}

TEST_CASE("a server that reaps every child itself is served") {
    Program program(built_program("reaps_everything"));
    check_ends_well(program);
}

TEST_CASE("a server that blocks all signals is served, and its plugins start with none blocked") {
    Program program(built_program("blocks_signals"));
    check_ends_well(program);
}

TEST_CASE("a server that forks while calls go on is served, and its children end as programs do") {
    Program program(built_program("forks"), {std::to_string(scaled(60))});
    check_ends_well(program);
}

TEST_CASE("a server that is pid 1 of its namespace is served") {
    const std::string unshare = "/usr/bin/unshare";
    Program allowed(unshare, {"--pid", "--fork", "--mount-proc", "/bin/true"});
    if (allowed.await_end() != "exit 0") {
        MESSAGE("this machine does not let us make pid namespaces: " << allowed.output());
        return;
    }
    Program program(unshare, {"--pid", "--fork", "--mount-proc", built_program("is_pid_one").string()});
    check_ends_well(program);
}

TEST_CASE("a server with a gigabyte of memory waits no longer for restarts") {
    Program program(built_program("is_large"), {"1024"});
    check_ends_well(program);
    MESSAGE(program.output());
}

TEST_CASE("a host changes no signal handler, mask, limit, folder or variable, prints nothing and leaks no descriptor") {
    Program program(built_program("guest"));
    CHECK(program.await_end() == "exit 0");
    CHECK(program.output() == "");
}

TEST_CASE("a guard that the kernel has no room to watch is watched when it has") {
    Program program(built_program("loses_watches"));
    check_ends_well(program);
}

TEST_CASE("a guard that is stopped before it has become one is made to go on") {
    Program program(built_program("stops_guards"));
    check_ends_well(program);
}

TEST_CASE("a guard that hangs before it has become one is replaced") {
    Program program(built_program("hangs_in_fork"));
    check_ends_well(program);
}

TEST_CASE("a child that fails before it has become a guard does nothing in the server's name") {
    Program program(built_program("fails_in_fork"));
    check_ends_well(program);
    CHECK(program.output() == "printed once\ndone\n");
}

TEST_CASE("a server that has closed its standard descriptors is served") {
    Program program(built_program("closes_standard_descriptors"));
    check_ends_well(program);
}

TEST_CASE("a server that can make no thread gets clear errors, and what it has goes on") {
    Program program(built_program("has_no_threads"));
    check_ends_well(program);
}

TEST_CASE("a server that runs out of descriptors gets clear errors, and goes on when some are free again") {
    Program program(built_program("runs_out_of_descriptors"));
    check_ends_well(program);
}

}  // namespace
}  // namespace bulkhead::tests
