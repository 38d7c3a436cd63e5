// Laws 4 and 5 at each step: a worker dies right there, and its calls end as they must.
#include <doctest/doctest.h>
#include <signal.h>

#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "support/outcomes.hpp"
#include "support/until.hpp"
#include "support/witness.hpp"

namespace bulkhead::tests {
namespace {

namespace asio = boost::asio;

constexpr const char* kAnswered = "";
constexpr const char* kCrashed = "crashed/unknown";

// Where the worker dies and what must become of the call that it had then.
struct Step {
    const char* name;
    const char* outcome;       // kAnswered or kCrashed
    int runs;                  // of it
    int runs_when_idempotent;  // which is always answered
};

constexpr Step kSteps[] = {
    // Not begun: it moves to the next worker.
    {"before_activate", kAnswered, 1, 1},
    {"after_activate", kAnswered, 1, 1},
    {"parked", kAnswered, 1, 1},
    {"after_take", kAnswered, 1, 1},
    // Begun: lost, or repeated when that does no harm.
    {"after_begun", kCrashed, 0, 1},
    {"before_run", kCrashed, 0, 1},
    {"before_publish", kCrashed, 1, 2},
    // Published: delivered.
    {"after_publish", kAnswered, 1, 1},
    {"after_run", kAnswered, 1, 1},
};

std::string expected(const char* outcome, const std::string& request) {
    return *outcome == '\0' ? "ok: " + request : outcome;
}

HostOptions with_death_points() {
    HostOptions options = host_options();
    options.worker = worker_with_death_points();
    return options;
}

// A death before the first worker serves fails the load, so it is the second one that dies on its way.
bool is_on_the_way(const Step& step) { return std::string(step.name).find("activate") != std::string::npos; }

nlohmann::json dying_at(const std::string& step, int incarnation = 1) {
    return merged(kEndlessRestarts,
                  {{"environment", {{"BULKHEAD_DIE_AT", step}, {"BULKHEAD_DIE_IN", std::to_string(incarnation)}}}});
}

// With a witness of a death at this step, and how many deaths that takes.
struct Deadly {
    explicit Deadly(const Step& step, int pass = 1, int standby = 0)
        : witness(merged(dying_at(step.name + (":" + std::to_string(pass)), is_on_the_way(step) ? 2 : 1),
                         {{"supervision", {{"standby", standby}}}}),
                  with_death_points()),
          deaths(is_on_the_way(step) ? 2 : 1) {
        if (standby == 1) {
            REQUIRE(eventually([this] { return witness.plugin().status().standby_ready; }));
        }
        if (is_on_the_way(step)) {
            CHECK(summary(witness.plugin().call("die", "")) == "crashed/unknown");
        }
    }
    Witness witness;
    std::uint64_t deaths;
};

std::map<std::string, int> runs_of(const Witness& witness) {
    std::map<std::string, int> runs;
    for (const std::string& line : witness.journal()) {
        ++runs[line];
    }
    return runs;
}

void check_deaths(Deadly& deadly) {
    Witness& witness = deadly.witness;
    CHECK(eventually([&] { return witness.plugin().stats().deaths >= deadly.deaths; }));
    CHECK(witness.service().serves_again());
    CHECK(witness.plugin().stats().deaths == deadly.deaths);
    REQUIRE(witness.service().deaths().await_count(deadly.deaths));
    for (const Report& report : witness.service().deaths().all()) {
        CHECK(report.cause == Cause::killed);
        CHECK(report.signal == SIGKILL);
    }
    CHECK(eventually([&] { return unaccounted(witness.plugin().stats()).empty(); }));
}

TEST_CASE("a call whose worker dies at a step ends as that step demands") {
    for (const Step& step : kSteps) {
        for (const int standby : {0, 1}) {
            CAPTURE(step.name);
            CAPTURE(standby);
            Deadly deadly(step, 1, standby);
            Witness& witness = deadly.witness;
            CHECK(summary(witness.plugin().call("note", "it")) == expected(step.outcome, "it"));
            check_deaths(deadly);
            CHECK(runs_of(witness)["it"] == step.runs);
        }
    }
}

TEST_CASE("an asynchronous call whose worker dies at a step ends in the same way") {
    for (const Step& step : kSteps) {
        for (const int standby : {0, 1}) {
            CAPTURE(step.name);
            CAPTURE(standby);
            Deadly deadly(step, 1, standby);
            Witness& witness = deadly.witness;
            auto outcome = witness.plugin().async_call("note", "it", {}, asio::use_future);
            CHECK(summary(outcome.get()) == expected(step.outcome, "it"));
            check_deaths(deadly);
            CHECK(runs_of(witness)["it"] == step.runs);
        }
    }
}

TEST_CASE("an idempotent call is answered wherever its worker dies") {
    for (const Step& step : kSteps) {
        for (const int standby : {0, 1}) {
            CAPTURE(step.name);
            CAPTURE(standby);
            Deadly deadly(step, 1, standby);
            Witness& witness = deadly.witness;
            CHECK(summary(witness.plugin().call("note_idempotent", "it")) == "ok: it");
            check_deaths(deadly);
            CHECK(runs_of(witness)["it"] == step.runs_when_idempotent);
        }
    }
}

// Many calls at once, one of which has the worker die at its `pass`-th time through the step.
void check_among_others(const Step& step, int pass, int standby) {
    Deadly deadly(step, pass, standby);
    Witness& witness = deadly.witness;
    constexpr int kThreads = 4;
    constexpr int kCalls = 25;
    std::vector<std::map<std::string, std::string>> outcomes(kThreads);
    std::vector<std::thread> callers;
    for (int thread = 0; thread < kThreads; ++thread) {
        callers.emplace_back([&, thread] {
            for (int call = 0; call < kCalls; ++call) {
                const std::string id = std::to_string(thread) + "." + std::to_string(call);
                auto outcome = call % 2 == 0 ? witness.plugin().call("note", id)
                                             : witness.plugin().async_call("note", id, {}, asio::use_future).get();
                outcomes[static_cast<std::size_t>(thread)][id] = summary(outcome);
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    check_deaths(deadly);
    std::map<std::string, int> runs = runs_of(witness);
    int crashed = 0;
    std::map<std::string, std::string> all;
    for (auto& each : outcomes) {
        all.merge(each);
    }
    for (const auto& [id, outcome] : all) {
        CAPTURE(id);
        if (outcome == kCrashed) {
            ++crashed;
            CHECK(runs[id] == step.runs);
        } else {
            CHECK(outcome == "ok: " + id);
            CHECK(runs[id] == 1);
        }
    }
    CHECK(crashed == (std::string(step.outcome) == kCrashed ? 1 : 0));
}

TEST_CASE("of many calls at most the one at the step is lost, and none is answered twice") {
    for (const Step& step : kSteps) {
        for (const int pass : {1, 2, 40}) {
            if (pass > 1 && (is_on_the_way(step) || std::string(step.name) == "parked")) {
                continue;  // it is not passed so often
            }
            CAPTURE(step.name);
            CAPTURE(pass);
            check_among_others(step, pass, 0);
            check_among_others(step, pass, 1);
        }
    }
}

// Where the counting plugin dies around its checkpoint of an increment, and what is true then.
struct StateStep {
    const char* name;
    const char* outcome;
    const char* count_afterwards;
};

TEST_CASE("around a checkpoint the outcome and the state agree") {
    constexpr StateStep kStateSteps[] = {
        {"before_run", "crashed/unknown", "ok: 10"},
        {"in_checkpoint", "crashed/unknown", "ok: 10"},
        {"after_checkpoint", "crashed/committed", "ok: 11"},
        {"before_publish", "crashed/committed", "ok: 11"},
        {"after_publish", "ok: 11", "ok: 11"},
    };
    for (const StateStep& step : kStateSteps) {
        CAPTURE(step.name);
        Service service("keeper", dying_at(step.name + std::string(":2")), with_death_points());
        CHECK(summary(service.plugin().call("add", "10")) == "ok: 10");
        CHECK(summary(service.plugin().call("add", "1")) == step.outcome);
        CHECK(summary(service.plugin().call("get", "")) == step.count_afterwards);
    }
}

TEST_CASE("a worker that dies before it loads the state leaves it to the next") {
    Service service("keeper", dying_at("before_load", 2), with_death_points());
    CHECK(summary(service.plugin().call("add", "10")) == "ok: 10");
    CHECK(summary(service.plugin().call("die", "")) == "crashed/unknown");
    CHECK(summary(service.plugin().call("get", "")) == "ok: 10");
    CHECK(eventually([&] { return service.plugin().stats().deaths == 2; }));
}

TEST_CASE("a standby that dies while it stands by, or in the take-over itself, costs no call") {
    for (const std::string step : {"parked_standing_by", "before_activate", "after_activate"}) {
        CAPTURE(step);
        Service service("keeper", merged(dying_at(step, 2), {{"supervision", {{"standby", 1}}}}), with_death_points());
        CHECK(summary(service.plugin().call("add", "10")) == "ok: 10");
        if (step == "parked_standing_by") {  // one that takes over at once never parks
            CHECK(eventually([&] { return service.plugin().stats().deaths == 1; }));
        }
        CHECK(summary(service.plugin().call("die", "")) == "crashed/unknown");
        CHECK(summary(service.plugin().call("get", "")) == "ok: 10");
        CHECK(eventually([&] { return service.plugin().stats().deaths == 2; }));
    }
}

TEST_CASE("a worker that dies when it is told to end harms nobody") {
    // It would hang in its deactivate function for as long as it may, but does not get there.
    constexpr std::chrono::seconds kStop(20);
    const nlohmann::json hangs = {{"config", {{"stop", "hang"}}},
                                  {"supervision", {{"stop_ms", std::chrono::milliseconds(kStop).count()}}}};
    Service service("faulty", merged(dying_at("before_handover"), hangs), with_death_points());
    auto open = service.plugin().async_call("never_answer", "", {}, asio::use_future);
    CHECK(summary(service.plugin().call("echo", "x")) == "ok: x");
    const auto begin = std::chrono::steady_clock::now();
    service.end_host();
    CHECK(std::chrono::steady_clock::now() - begin < kStop / 2);
    CHECK(summary(open.get()) == "stopped/unknown");
    CHECK(unaccounted(service.plugin().stats()) == "");
}

}  // namespace
}  // namespace bulkhead::tests
