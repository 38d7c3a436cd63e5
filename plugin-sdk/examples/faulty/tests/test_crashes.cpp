#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "victim.hpp"

using faulty::kSanitized;
using faulty::Outcome;
using faulty::Victim;

namespace {

void check_signal(const char* method, const char* request, int signal) {
    CAPTURE(method);
    const Outcome outcome = Victim(method, request).wait();
    CAPTURE(outcome.output);
    CHECK(outcome.signal == signal);
}

}  // namespace

TEST_CASE("a write to null, a call of null and a stack that is used up end in SIGSEGV") {
    check_signal("segfault", "", SIGSEGV);
    check_signal("null_call", "", SIGSEGV);
    check_signal("overflow_stack", "", SIGSEGV);
    check_signal("overflow_thread_stack", "", SIGSEGV);
}

TEST_CASE("abort and an exception that leaves the C ABI end in SIGABRT") {
    check_signal("abort", "", SIGABRT);
    check_signal("throw_through", "", SIGABRT);
}

TEST_CASE("a damaged heap is noticed and ends in SIGABRT") {
    check_signal("corrupt_heap", "", SIGABRT);
    if (!kSanitized) {
        CHECK(Victim("corrupt_heap", "").wait().output.starts_with("free(): invalid "));
    }
}

TEST_CASE("a smashed stack ends in a signal") {
    const Outcome outcome = Victim("smash_stack", "").wait();
    REQUIRE(outcome.signal.has_value());
    // SIGABRT where the compiler guards the stack.
    CHECK((outcome.signal == SIGSEGV || outcome.signal == SIGBUS || outcome.signal == SIGABRT));
}

TEST_CASE("raise raises any signal") {
    check_signal("raise", "15", SIGTERM);
    check_signal("raise", "9", SIGKILL);
    check_signal("raise", "4", SIGILL);
    CHECK(Victim("raise", "0").wait().exit_code == Victim::kReturned);
}

TEST_CASE("exit and _exit end with the wanted code, and only exit runs what was registered with atexit") {
    const auto exit_code_with_handler = [](const char* method) {
        return Victim([method] {
                   std::atexit([] { ::_exit(55); });
                   bulkhead::plugin::testing::FakeWorker worker(bulkhead_plugin());
                   worker.create();
                   worker.call(method, "3");
                   return Victim::kReturned;
               })
            .wait()
            .exit_code;
    };
    CHECK(Victim("exit", "3").wait().exit_code == 3);
    CHECK(Victim("_exit", "4").wait().exit_code == 4);
    CHECK(exit_code_with_handler("exit") == 55);
    CHECK(exit_code_with_handler("_exit") == 3);
}

TEST_CASE("crash_in_thread kills the process after it has answered") {
    const Outcome outcome = Victim([] {
                                bulkhead::plugin::testing::FakeWorker worker(bulkhead_plugin());
                                worker.create();
                                worker.call("crash_in_thread");
                                for (;;) {
                                    ::pause();
                                }
                                return 0;
                            }).wait();
    CHECK(outcome.signal == SIGSEGV);
}

TEST_CASE("segfault_idempotent crashes once for each file and answers when it is gone") {
    char path[] = "/tmp/bulkhead-faulty-XXXXXX";
    const int file = ::mkstemp(path);
    REQUIRE(file >= 0);
    ::close(file);
    CHECK(Victim("segfault_idempotent", path).wait().signal == SIGSEGV);
    CHECK(::access(path, F_OK) != 0);

    bulkhead::plugin::testing::FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    CHECK(worker.call("segfault_idempotent", path).text == "survived");
    CHECK(worker.method("segfault_idempotent").flags == BULKHEAD_METHOD_IDEMPOTENT);
}
