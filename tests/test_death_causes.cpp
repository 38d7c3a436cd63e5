// What a report calls the reason, where the signal alone would not tell.
#include <doctest/doctest.h>
#include <signal.h>

#include <string>
#include <string_view>

#include "support/death.hpp"
#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("an exception that nobody catches in a child of the plugin's ends that one as it ends any program") {
    const Service service("thrower");
    CHECK(summary(service.plugin().call("throw_in_child", "")) == "ok: " + std::to_string(SIGABRT));
}

TEST_CASE("an exception that nobody caught is told with its type and its text") {
    const Service service("thrower");
    const Report sentence = report_of(service, "throw_in_thread", "no such colour");
    CHECK(sentence.cause == Cause::abort);
    CHECK(sentence.signal == SIGABRT);
    CHECK(sentence.detail == "uncaught std::runtime_error: no such colour");
    CHECK(report_of(service, "throw_a_number").detail == "uncaught int");
}

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // their allocators end the process in their own way
TEST_CASE("an allocation that failed and was not caught is out of memory") {
    const Service service("thrower");
    const Report report = report_of(service, "ask_for_too_much");
    CHECK(report.cause == Cause::out_of_memory);
    CHECK(report.signal == SIGABRT);
    CHECK(report.detail == "an uncaught std::bad_alloc");
    CHECK(contains(report.clause(), "ran out of memory"));
}
#endif

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // their allocators end the process in their own way
TEST_CASE("an abort where limits.address_space is used up is out of memory") {
    const auto limits = nlohmann::json{{"limits", {{"address_space", std::uint64_t{512} << 20}}}};
    const Service service("perils", merged(kEndlessRestarts, limits));
    const Report report = report_of(service, "use_up_memory");
    CHECK(report.cause == Cause::out_of_memory);
    CHECK(report.detail == "limits.address_space was used up");
    CHECK(report.crash.has_value());
    // The same abort with memory left is an abort.
    CHECK(report_of(service, "abort").cause == Cause::abort);
}
#endif

TEST_CASE("a system call that a filter rules out is a violation of the policy, trapped or killed") {
    const Service service("perils");
    const Report trapped = report_of(service, "forbidden_trap");
    CHECK(trapped.cause == Cause::policy_violation);
    CHECK(trapped.signal == SIGSYS);
    CHECK(trapped.detail == "system call 110");  // getppid
    CHECK(trapped.crash.has_value());
    const Report killed = report_of(service, "forbidden_kill");
    CHECK(killed.cause == Cause::policy_violation);
    CHECK(killed.detail == "a system call");
    CHECK_FALSE(killed.crash);
    CHECK(killed.backtrace_note == "none: its crash handler did not run");
}

TEST_CASE("a limit of CPU time or of a file's size that is reached is a violation of the policy, and charged") {
    const auto changes = nlohmann::json{{"limits", {{"cpu_seconds", 1}, {"file_size", 1 << 20}}},
                                        {"supervision", {{"quarantine_deaths", 1}}}};
    const Service service("perils", merged(kEndlessRestarts, changes));
    const Report cpu = report_of(service, "hang");
    CHECK(cpu.cause == Cause::policy_violation);
    CHECK(cpu.signal == SIGXCPU);
    CHECK(cpu.detail == "limits.cpu_seconds was used up");
    CHECK(summary(service.plugin().call("hang", "")) == "quarantined/none");
    const Report file = report_of(service, "make_large_file");
    CHECK(file.cause == Cause::policy_violation);
    CHECK(file.signal == SIGXFSZ);
    CHECK(file.detail == "limits.file_size was reached");
}

TEST_CASE("a SIGSYS that the plugin sends itself is no violation") {
    const Service service;
    CHECK(report_of(service, "raise", std::to_string(SIGSYS)).cause == Cause::crash);
}

TEST_CASE("reading beyond the end of a file is a crash and not out of memory") {
    const Service service("perils");
    const Report report = report_of(service, "read_beyond_file");
    CHECK(report.cause == Cause::crash);
    CHECK(report.signal == SIGBUS);
}

TEST_CASE("a SIGKILL from outside is no more than that") {
    const Service service;
    const Report report = report_of(service, "raise", std::to_string(SIGKILL));
    CHECK(report.cause == Cause::killed);
    CHECK(report.detail.empty());
}

TEST_CASE("a crash in create, in destroy and at exit is reported with its step") {
    for (const char* place : {"create", "destroy", "atexit"}) {
        CAPTURE(place);
        DeathCollector deaths;
        {
            HostOptions options = host_options();
            options.on_death = deaths;
            Host host = make_host(std::move(options));
            const PluginFolder folder("perils", {{"config", {{"crash_in", place}}}});
            CHECK(host.load(folder.path()).has_error() == (std::string_view(place) == "create"));
        }
        REQUIRE(deaths.all().size() == 1);
        const Report report = deaths.all().front();
        CHECK(report.cause == Cause::crash);
        CHECK(report.signal == SIGSEGV);
        const bool starts = std::string_view(place) == "create";
        CHECK(report.phase == (starts ? Phase::starting : Phase::stopping));
        CHECK(contains(report.clause(), starts ? "create function" : "being stopped"));
        REQUIRE(!report.backtrace.empty());
        CHECK(report.backtrace.front().function == "write_to_null");
    }
}

TEST_CASE("a crash in the destructor of a global object is reported") {
    DeathCollector deaths;
    {
        HostOptions options = host_options();
        options.on_death = deaths;
        Host host = make_host(std::move(options));
        const PluginFolder folder("thrower", {{"config", {{"last_word", true}}}});
        load(host, folder);
    }
    REQUIRE(deaths.all().size() == 1);
    CHECK(deaths.all().front().signal == SIGSEGV);
    CHECK(!deaths.all().front().backtrace.empty());
}

}  // namespace
}  // namespace bulkhead::tests
