// Law 5: what becomes of the calls of a worker that died.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

std::map<std::string, int> count(const std::vector<std::string>& lines) {
    std::map<std::string, int> counts;
    for (const std::string& line : lines) {
        ++counts[line];
    }
    return counts;
}

TEST_CASE("calls that had not begun move to the next worker and run exactly once") {
    for (int round = 0; round < scaled(50); ++round) {
        Witness witness;
        Collector<std::string> outcomes;
        constexpr int kThreads = 6;
        std::vector<std::thread> callers;
        std::string held_outcome;
        {
            Held held(witness);
            for (int thread = 0; thread < kThreads; ++thread) {
                callers.emplace_back([&, thread] {
                    outcomes.add(summary(witness.plugin().call("note", "note " + std::to_string(thread))));
                });
            }
            REQUIRE(eventually([&] { return witness.plugin().stats().in_flight == 1 + kThreads; }));
            // The worker is in `hold`; the pid is known to the one who asks the processes.
            for (const pid_t worker : family_of(::getpid()).others) {
                ::kill(worker, SIGKILL);
            }
            held_outcome = held.outcome();
            for (std::thread& caller : callers) {
                caller.join();
            }
        }
        CHECK(held_outcome == "crashed/unknown");
        const auto runs = count(witness.journal());
        for (int thread = 0; thread < kThreads; ++thread) {
            const std::string note = "note " + std::to_string(thread);
            CHECK(runs.at(note) == 1);
            const auto all = outcomes.all();
            CHECK(std::count(all.begin(), all.end(), "ok: " + note) == 1);
        }
        CHECK(runs.at("hold") == 1);
        CHECK(witness.plugin().stats().deaths == 1);
        CHECK(witness.plugin().stats().retries == 0);
    }
}

TEST_CASE("under a storm of deaths no call runs twice, and each that was answered ran once") {
    Witness witness;
    constexpr int kThreads = 4;
    const int calls = scaled(2000);
    std::vector<std::vector<std::string>> answered(kThreads);
    std::vector<std::vector<std::string>> lost(kThreads);
    std::vector<std::thread> callers;
    for (int thread = 0; thread < kThreads; ++thread) {
        callers.emplace_back([&, thread] {
            for (int turn = 0; turn < calls; ++turn) {
                const std::string id = std::to_string(thread) + "." + std::to_string(turn);
                const bool deadly = turn % 40 == thread * 10;
                const auto outcome = witness.plugin().call(deadly ? "die" : "note", id);
                if (outcome) {
                    answered[static_cast<std::size_t>(thread)].push_back(id);
                } else if (outcome.error().code == ErrorCode::crashed) {
                    lost[static_cast<std::size_t>(thread)].push_back(id);
                } else {
                    FAIL_CHECK(sentence(outcome));
                }
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    const auto runs = count(witness.journal());
    for (const auto& ids : answered) {
        for (const std::string& id : ids) {
            CHECK_MESSAGE(runs.at(id) == 1, id);
        }
    }
    // A call that is lost had begun: it ran, or its worker died right before its first instruction.
    std::size_t lost_calls = 0;
    for (const auto& ids : lost) {
        lost_calls += ids.size();
        for (const std::string& id : ids) {
            CHECK_MESSAGE((!runs.contains(id) || runs.at(id) == 1), id);
        }
    }
    const Stats stats = witness.plugin().stats();
    CHECK(lost_calls == stats.failed(ErrorCode::crashed));
    CHECK(lost_calls == stats.deaths);  // one call at a time is begun
    CHECK(unaccounted(stats) == "");
}

TEST_CASE("a begun call of an idempotent method is tried again and succeeds") {
    Service service;
    const ScratchFolder scratch;
    const std::string mine = (scratch.path() / "mine").string();
    for (int turn = 1; turn <= scaled(20); ++turn) {
        std::ofstream(mine).put('x');
        CHECK(summary(service.plugin().call("segfault_idempotent", mine)) == "ok: survived");
        CHECK(service.plugin().stats().retries == static_cast<std::uint64_t>(turn));
    }
    CHECK(unaccounted(service.plugin().stats()) == "");
}

TEST_CASE("the manifest decides what is idempotent") {
    Witness as_built;
    CHECK(summary(as_built.plugin().call("die", "x")) == "crashed/unknown");
    CHECK(as_built.journal().size() == 1);

    Witness never_again(merged(kEndlessRestarts, {{"methods", {{"die_idempotent", {{"idempotent", false}}}}}}));
    CHECK(summary(never_again.plugin().call("die_idempotent", "x")) == "crashed/unknown");
    CHECK(never_again.journal().size() == 1);
}

TEST_CASE("an idempotent call that kills every worker is given up after a few") {
    Witness witness;
    const auto outcome = witness.plugin().call("die_idempotent", "x");
    CHECK(summary(outcome) == "crashed/unknown");
    CHECK(witness.journal().size() == 3);
    CHECK(witness.plugin().stats().retries == 2);
    CHECK(summary(witness.plugin().call("note", "after")) == "ok: after");
}

TEST_CASE("a reply that was published is delivered although its worker died right after") {
    Service service;
    Witness witness;
    const std::string large(200'000, 'L');
    for (int turn = 0; turn < scaled(100); ++turn) {
        CHECK(summary(service.plugin().call("crash_in_thread", "")) == "ok: crashing in a thread");
        // Or the next turn's call may still get to this worker.
        CHECK(eventually([&] { return service.plugin().stats().deaths == static_cast<std::uint64_t>(turn) + 1; }));
        CHECK(summary(witness.plugin().call("answer_and_die", "last words")) == "ok: last words");
        const auto answer = witness.plugin().call("answer_and_die", large);
        REQUIRE_MESSAGE(answer.has_value(), sentence(answer));
        CHECK(answer->text() == large);
    }
    CHECK(service.plugin().stats().failed(ErrorCode::crashed) == 0);
    CHECK(witness.plugin().stats().failed(ErrorCode::crashed) == 0);
}

TEST_CASE("the same for a caller that is not the reader, and for handlers") {
    Witness witness;
    Collector<std::string> outcomes;
    const int turns = scaled(100);
    std::vector<std::thread> callers;
    for (int thread = 0; thread < 3; ++thread) {
        callers.emplace_back([&] {
            for (int turn = 0; turn < turns; ++turn) {
                outcomes.add(summary(witness.plugin().call("answer_and_die", "words")));
            }
        });
    }
    for (int turn = 0; turn < turns; ++turn) {
        witness.plugin().async_call("answer_and_die", "words", {},
                                    [outcomes](const result<Bytes>& outcome) { outcomes.add(summary(outcome)); });
        REQUIRE(outcomes.await_count(static_cast<std::size_t>(turn)));
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    REQUIRE(outcomes.await_count(static_cast<std::size_t>(4 * turns)));
    for (const std::string& outcome : outcomes.all()) {
        CHECK(outcome == "ok: words");
    }
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

TEST_CASE("calls that wait for room get in after a death") {
    Witness witness(merged(kEndlessRestarts, {{"limits", {{"in_flight", 2}}}}));
    std::vector<std::thread> callers;
    Collector<std::string> outcomes;
    CallOptions patient;
    patient.when_full = WhenFull::wait;
    for (int thread = 0; thread < 6; ++thread) {
        callers.emplace_back([&, thread] {
            for (int turn = 0; turn < scaled(30); ++turn) {
                outcomes.add(summary(witness.plugin().call((turn + thread) % 5 == 0 ? "die" : "note", "x", patient)));
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    for (const std::string& outcome : outcomes.all()) {
        CHECK((outcome == "ok: x" || outcome == "crashed/unknown"));
    }
    CHECK(unaccounted(witness.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
