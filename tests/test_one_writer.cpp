// Law 1: each segment has one writer, and the MMU sees to it.
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("a worker finds no way to write into the host's outbox") {
    Service service("trespasser");
    const auto answer = service.plugin().call("trespass", "");
    REQUIRE_MESSAGE(answer.has_value(), sentence(answer));
    const std::string attempts(answer->text());
    CAPTURE(attempts);
    CHECK(contains(attempts, "mprotect: EACCES"));
    CHECK_FALSE(contains(attempts, "DONE"));
    // The host's outbox is as good as before.
    CHECK(service.plugin().call("trespass", "").has_value());
}

TEST_CASE("a worker that writes into the host's outbox dies of it, and only it") {
    Service service("trespasser");
    const auto answer = service.plugin().call("write", "");
    CHECK(summary(answer) == "crashed/unknown");
    REQUIRE(answer.has_error());
    REQUIRE(answer.error().report);
    CHECK(answer.error().report->cause == Cause::crash);
    CHECK(answer.error().report->signal == SIGSEGV);
    CHECK(service.plugin().call("trespass", "").has_value());
}

TEST_CASE("the host maps what workers write read-only") {
    Service service;
    REQUIRE(service.plugin().call("echo", "x").has_value());
    std::ifstream maps("/proc/self/maps");
    int worker_outboxes = 0;
    for (std::string line; std::getline(maps, line);) {
        if (contains(line, "bulkhead-worker-outbox")) {
            ++worker_outboxes;
            CHECK_MESSAGE(contains(line, " r--s "), line);
        }
    }
    CHECK(worker_outboxes == 1);
}

}  // namespace
}  // namespace bulkhead::tests
