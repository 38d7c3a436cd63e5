// What a worker finds around itself: only what its manifest gives it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <set>
#include <sstream>
#include <string>

#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

std::string answer(const Service& service, std::string_view method) {
    const auto outcome = service.plugin().call(method, "");
    REQUIRE_MESSAGE(outcome.has_value(), sentence(outcome));
    return std::string(outcome->text());
}

TEST_CASE("a worker's environment is empty but for what the manifest lists") {
    ::setenv("BULKHEAD_TEST_SECRET", "of the server", 1);
    ::setenv("BULKHEAD_TEST_SHARED", "shared", 1);
    ::unsetenv("BULKHEAD_TEST_MISSING");
    CHECK(answer(Service("faulty"), "environment") == "");
    // Null means the server's own value, if it has one.
    const PluginFolder folder("faulty");
    folder.write_manifest(R"({"name": "faulty", "version": "1", "library": "libfaulty.so",
        "environment": {"TZ": "UTC", "EMPTY": "", "BULKHEAD_TEST_SHARED": null, "BULKHEAD_TEST_MISSING": null}})");
    Host host = make_host();
    const auto environment = load(host, folder).call("environment", "");
    REQUIRE(environment.has_value());
    std::set<std::string> variables;
    std::istringstream lines{std::string(environment->text())};
    for (std::string line; std::getline(lines, line);) {
        variables.insert(line);
    }
    CHECK(variables == std::set<std::string>{"BULKHEAD_TEST_SHARED=shared", "EMPTY=", "TZ=UTC"});
}

TEST_CASE("the manifest's limits hold in the worker, and there are never core dumps") {
    const nlohmann::json limits = {{"address_space", 1ULL << 47},
                                   {"open_files", 64},
                                   {"file_size", 1'000'000},
                                   {"cpu_seconds", 1000},
                                   {"stack", 1 << 20}};
    const std::string text = answer(Service("faulty", {{"limits", limits}}), "limits");
    CHECK(contains(text, "address_space 140737488355328\n"));
    CHECK(contains(text, "open_files 64\n"));
    CHECK(contains(text, "file_size 1000000\n"));
    CHECK(contains(text, "cpu_seconds 1000\n"));
    CHECK(contains(text, "stack 1048576\n"));
    for (const std::string& limits_there : {text, answer(Service("faulty"), "limits")}) {
        // 0 where the tests may not have it otherwise; 1 stops dumps into pipes too.
        CHECK((contains(limits_there, "core 1\n") || contains(limits_there, "core 0\n")));
    }
}

TEST_CASE("a worker can never gain privileges") { CHECK(answer(Service("faulty"), "no_new_privs") == "1"); }

TEST_CASE("a worker has no descriptors of the server, of its parents or of its channel") {
    const int secret = ::open("/dev/zero", O_RDONLY);  // not close-on-exec
    REQUIRE(secret >= 0);
    const std::string text = answer(Service("faulty"), "open_fds");
    ::close(secret);
    CAPTURE(text);
    CHECK_FALSE(contains(text, "/dev/zero"));
    CHECK_FALSE(contains(text, "socket:"));
    CHECK_FALSE(contains(text, "bulkhead-host-outbox"));
    CHECK_FALSE(contains(text, "bulkhead-worker-outbox"));
    CHECK_FALSE(contains(text, "pidfd"));
    int count = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        ++count;
    }
    CHECK(count <= 6);  // three for standard streams, what it calls the host with, what the library is loaded from
}

TEST_CASE("a worker's current folder is nobody's") { CHECK(answer(Service("faulty"), "cwd") == "/"); }

TEST_CASE("a limit that the plugin runs into is the plugin's own trouble") {
    Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"cpu_seconds", 1}}}}));
    CallOptions options;
    options.timeout = kPatience;
    const auto outcome = service.plugin().call("hang", "", options);
    CHECK(summary(outcome) == "crashed/unknown");
    CHECK(contains(sentence(outcome), "limits.cpu_seconds was used up"));
    CHECK(service.serves_again());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadows alone are terabytes
TEST_CASE("a plugin that takes more memory than it may is refused it, and goes on") {
    Service service("faulty", merged(kEndlessRestarts, {{"limits", {{"address_space", 256 << 20}}}}));
    const auto outcome = service.plugin().call("allocate", std::to_string(std::size_t{1} << 30));
    CHECK(summary(outcome) == "plugin_failed/unknown");
    CHECK(contains(sentence(outcome), "bad_alloc"));
    CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
    CHECK(service.plugin().stats().deaths == 0);
}
#endif

}  // namespace
}  // namespace bulkhead::tests
