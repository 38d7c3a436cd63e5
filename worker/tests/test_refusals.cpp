// What a worker says of a library that it cannot run.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>
#include <thread>

#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

using transport::Life;

struct Case {
    const char* library;
    const char* sentence;
};

constexpr Case kRefused[] = {
    {"libno_entry.so", "library libno_entry.so has no function bulkhead_plugin"},
    {"libnull_table.so", "library libnull_table.so: its function bulkhead_plugin returned null"},
    {"liblater_abi.so", "library liblater_abi.so was built for plugin ABI 99; this worker speaks 1"},
    {"libsmall_table.so", "library libsmall_table.so: its plugin table has 16 bytes; ABI 1 needs at least 80"},
    {"libundefined_symbol.so", "library libundefined_symbol.so refers to the symbol frobnicate, which nothing defines"},
    {"libneeds_library.so", "library libneeds_library.so needs libdependency.so, which was not found"},
    {"libfailing_create.so", "its create function failed with number 7: no licence file"},
    {"not_a_library.so", "library not_a_library.so could not be loaded: not_a_library.so: file too short"},
};

TEST_CASE("a worker refuses a library that it cannot run, in one sentence, and exits with 0") {
    GuardProcess guard;
    TestLane lane(guard);
    for (const Case& each : kRefused) {
        CAPTURE(each.library);
        TestWorker worker = lane.start({.library = each.library});
        CHECK(worker.await_settled() == Life::refused);
        CHECK(worker.failure() == each.sentence);
        CHECK(guard.await_exited(worker.pid).wait_status == 0);
    }
}

TEST_CASE("what a plugin printed before it was refused arrives") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start({.library = "libfailing_create.so"});
    CHECK(worker.read_output() == "looking for the licence file\n");
}

TEST_CASE("a plugin that dies before it is ready leaves behind what it was doing") {
    GuardProcess guard;
    TestLane lane(guard);
    struct {
        const char* library;
        const char* step;
        int status;
    } const cases[] = {
        {"libcrashing_constructor.so", "while its library was being loaded", SIGSEGV},
        {"libcrashing_entry.so", "in its bulkhead_plugin function", SIGABRT},
        {"libexiting_create.so", "in its create function", 3 << 8},
    };
    for (const auto& each : cases) {
        CAPTURE(each.library);
        TestWorker worker = lane.start({.library = each.library});
        CHECK(guard.await_exited(worker.pid).wait_status == each.status);
        CHECK(worker.life() == Life::loading);
        CHECK(worker.failure() == each.step);
    }
}

TEST_CASE("a plugin that hangs in create says so and can be killed") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start({.library = "libhanging_create.so"});
    const auto deadline = patience();
    while (worker.failure() != "in its create function") {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::yield();  // the steps of loading wake nobody
    }
    CHECK(worker.life() == Life::loading);
    ::kill(worker.pid, SIGKILL);
    CHECK(guard.await_exited(worker.pid).wait_status == SIGKILL);
}

TEST_CASE("a plugin whose activate fails is refused when it shall take over") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start({.library = "libfailing_activate.so"});
    REQUIRE(worker.await_settled() == Life::ready);
    lane.take_over(worker, 0);
    CHECK(guard.await_exited(worker.pid).wait_status == 0);
    CHECK(worker.life() == Life::refused);
    CHECK(worker.failure() == "its activate function failed with number 98: the port is taken");
}

TEST_CASE("private dependencies are loaded from the order, bottom-up") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker =
        lane.start({.library = "libneeds_library.so", .dependencies = {"libdeepest.so", "libdependency.so"}});
    CHECK(worker.await_settled() == Life::ready);
    CHECK(worker.failure().empty());
}

TEST_CASE("a dependency that is missing is named together with the library that needs it") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start({.library = "libneeds_library.so", .dependencies = {"libdependency.so"}});
    CHECK(worker.await_settled() == Life::refused);
    CHECK(worker.failure() == "library libdependency.so needs libdeepest.so, which was not found");
}

TEST_CASE("an order that cannot be read is refused") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start({.json_members = ", nonsense"});
    CHECK(worker.await_settled() == Life::refused);
    CHECK(worker.failure().starts_with("the order to its worker cannot be read: "));
}

}  // namespace
}  // namespace bulkhead::worker::test
