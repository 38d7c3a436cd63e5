#include <doctest/doctest.h>
#include <sys/time.h>

#include <chrono>
#include <csignal>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "victim.hpp"

using bulkhead::plugin::testing::FakeWorker;
using faulty::Outcome;
using faulty::Victim;

namespace {

// Ends the method after a tenth of a second, unless it comes back by itself.
Outcome run_for_a_moment(const char* method) {
    return Victim([method] {
               FakeWorker worker(bulkhead_plugin());
               worker.create();
               const itimerval moment{{0, 0}, {0, 100'000}};
               ::setitimer(ITIMER_REAL, &moment, nullptr);
               worker.start(method, "");
               return Victim::kReturned;
           })
        .wait();
}

}  // namespace

TEST_CASE("hang and sleep_forever do not come back") {
    CHECK(run_for_a_moment("hang").signal == SIGALRM);
    CHECK(run_for_a_moment("sleep_forever").signal == SIGALRM);
}

TEST_CASE("hang_cancellable works until its caller gives up") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    const auto deadline = static_cast<std::uint64_t>(soon.time_since_epoch() / std::chrono::nanoseconds(1));
    CHECK(worker.call("hang_cancellable", "", {.deadline = deadline}).text == "gave up");
    CHECK(std::chrono::steady_clock::now() > soon);
    CHECK(run_for_a_moment("hang_cancellable").signal == SIGALRM);
}

TEST_CASE("stop_self stops the process, which goes on when it is continued") {
    Victim victim("stop_self", "");
    REQUIRE(victim.wait_until_stopped());
    ::kill(victim.pid(), SIGCONT);
    CHECK(victim.wait().exit_code == Victim::kReturned);
}
