// The faults that the config orders.
#include <doctest/doctest.h>
#include <sys/time.h>

#include <csignal>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "victim.hpp"

using bulkhead::plugin::testing::FakeWorker;
using faulty::Victim;

namespace {

std::string fault_at(const std::string& moment, const std::string& fault) {
    return "{\"" + moment + "\": \"" + fault + "\"}";
}

}  // namespace

TEST_CASE("without a config nothing goes wrong") {
    CHECK(Victim("", "").wait().exit_code == Victim::kReturned);
    CHECK(Victim("", "", fault_at("start", "none")).wait().exit_code == Victim::kReturned);
}

TEST_CASE("the start, the activation and the stop crash or exit on demand") {
    for (const auto* moment : {"start", "activate", "stop"}) {
        CAPTURE(moment);
        CHECK(Victim("", "", fault_at(moment, "crash")).wait().signal == SIGSEGV);
        CHECK(Victim("", "", fault_at(moment, "exit")).wait().exit_code == 7);
    }
}

TEST_CASE("the start, the activation and the stop hang on demand") {
    for (const auto* moment : {"start", "activate", "stop"}) {
        CAPTURE(moment);
        const std::string config = fault_at(moment, "hang");
        Victim victim([&config] {
            const itimerval moment_later{{0, 0}, {0, 100'000}};
            ::setitimer(ITIMER_REAL, &moment_later, nullptr);
            FakeWorker worker(bulkhead_plugin());
            worker.create(config);
            worker.activate();
            worker.destroy();
            return Victim::kReturned;
        });
        CHECK(victim.wait().signal == SIGALRM);
    }
}

TEST_CASE("the start and the activation fail on demand and say so") {
    FakeWorker refused(bulkhead_plugin());
    CHECK(refused.create(fault_at("start", "fail")) != 0);
    CHECK(refused.error().number == 7);
    CHECK(std::string(refused.error().text) == "told to fail at start");

    FakeWorker unwilling(bulkhead_plugin());
    REQUIRE(unwilling.create(fault_at("activate", "fail")) == 0);
    CHECK(unwilling.activate() != 0);
    CHECK(std::string(unwilling.error().text) == "told to fail at activate");
}

TEST_CASE("a fault that nobody knows refuses the start") {
    for (const auto* moment : {"start", "activate", "stop"}) {
        FakeWorker worker(bulkhead_plugin());
        CHECK(worker.create(fault_at(moment, "sulk")) != 0);
        CHECK(std::string(worker.error().text) == "the config knows no fault \"sulk\" at " + std::string(moment));
    }
}
