// Workers, standbys, fork servers and guards die at random under mixed load; at the end everything adds up.
#include "soak.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <string>
#include <utility>

#include "load.hpp"
#include "reaper.hpp"
#include "support/adoption.hpp"
#include "support/outcomes.hpp"
#include "support/processes.hpp"
#include "support/scale.hpp"
#include "support/service.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostGrowth = std::size_t{512} << 20;  // freed memory stays in quarantine, and shadows grow
#else
constexpr std::size_t kMostGrowth = std::size_t{2} << 20;  // and a little for each death
#endif
constexpr std::size_t kMostGrowthPerDeath = 100;

nlohmann::json supervised(int standby) {
    return merged(kEndlessRestarts,
                  {{"supervision",
                    {{"standby", standby}, {"hang_grace_ms", 50}, {"start_ms", 2000}, {"start_attempts", 1'000'000}}}});
}

long long count_of(const Soaked& soaked) {
    const auto count = soaked.plugin.call("get", "");
    REQUIRE_MESSAGE(count.has_value(), sentence(count));
    return std::stoll(std::string(count->text()));
}

std::uint64_t deaths_of(std::initializer_list<const Soaked*> plugins) {
    std::uint64_t deaths = 0;
    for (const Soaked* soaked : plugins) {
        deaths += soaked->plugin.stats().deaths;
    }
    return deaths;
}

// What the host tells of deaths. Not a Service, which keeps all that it is told. Any thread.
struct Reports {
    std::atomic<std::uint64_t> all{0};
    std::atomic<int> faults{0};  // by SIGSEGV
    std::atomic<int> exits{0};

    void note(const Report& report) {
        faults += report.signal == SIGSEGV ? 1 : 0;
        exits += report.cause == Cause::exit ? 1 : 0;
        ++all;
    }
};

// Everybody is there and well, and each death was told once: nobody reads a dead one's stack any more.
void settle(const Soaked& keeper, const Soaked& counter, const Soaked& echoer, const Reports& reports) {
    const Family family = family_of(::getpid());
    for (const pid_t parent : {family.guard, family.fork_server}) {
        if (parent != 0) {
            ::kill(parent, SIGCONT);  // one that was stopped is made to go on only when it is needed
        }
    }
    CHECK(eventually([&] { return keeper.plugin.call("get", "").has_value(); }));
    CHECK(eventually([&] { return counter.plugin.call("get", "").has_value(); }));
    CHECK(eventually([&] { return echoer.plugin.call("echo", "x").has_value(); }));
    CHECK(eventually([&] { return keeper.plugin.status().standby_ready; }));
    CHECK(eventually([&] { return reports.all == deaths_of({&keeper, &counter, &echoer}); }));
    CHECK(not_just_a_family_with(4) == "");
}

std::string states_of(std::initializer_list<const Soaked*> plugins) {
    std::string text;
    for (const Soaked* soaked : plugins) {
        const PluginStatus status = soaked->plugin.status();
        text += std::string(soaked->plugin.name()) + " is " + std::string(to_string(status.state)) + ", worker " +
                std::to_string(status.worker_pid) + ", after " + std::to_string(soaked->plugin.stats().deaths) +
                " deaths\n";
    }
    return text;
}

// Until so many workers have died. The test ends when no strike is a death any more.
void strike_often(Reaper& reaper, std::initializer_list<const Soaked*> plugins, int deaths) {
    std::uint64_t died = deaths_of(plugins);
    const std::uint64_t enough = died + static_cast<std::uint64_t>(deaths);
    auto last_death = std::chrono::steady_clock::now();
    while (died < enough) {
        reaper.strike();
        const auto now = std::chrono::steady_clock::now();
        if (deaths_of(plugins) > died) {
            died = deaths_of(plugins);
            last_death = now;
        }
        REQUIRE_MESSAGE(now < last_death + kPatience, "nobody dies any more:\n" << states_of(plugins));
        const auto until = std::chrono::steady_clock::now() + reaper.pause();
        CHECK(eventually([&] { return std::chrono::steady_clock::now() >= until; }));
    }
}

TEST_CASE("through random deaths each call has one outcome, no acknowledged change is lost, and nothing is left") {
    const SoakPlan plan = soak_plan();
    MESSAGE(plan.deaths << " deaths of workers, seed " << plan.seed);
    Reports reports;
    HostOptions options = host_options();
    options.on_death = [&reports](const Report& report) { reports.note(report); };
    Host host = make_host(std::move(options));
    const PluginFolder with_standby("keeper", supervised(1));
    const PluginFolder without("counter", supervised(0));
    const PluginFolder stateless("faulty", supervised(0));
    Soaked keeper{load(host, with_standby)};
    Soaked counter{load(host, without)};
    Soaked echoer{load(host, stateless)};
    const auto all = {&std::as_const(keeper), &std::as_const(counter), &std::as_const(echoer)};
    Reaper reaper(plan.seed, all, {&keeper, &echoer});
    struct {
        int faults, exits;
    } struck_before{};
    {
        Soaked warm[] = {{keeper.plugin}, {counter.plugin}, {echoer.plugin}};  // until all that grows once has grown
        Load warm_up(warm[0], warm[1], warm[2]);
        Reaper first(plan.seed + 1, all, {&warm[0], &warm[2]});
        strike_often(first, all, scaled(plan.deaths) / 10 + 1);
        struck_before = {first.faults(), first.exits()};
    }
    settle(keeper, counter, echoer, reports);
    const long long kept = count_of(keeper);
    const long long counted = count_of(counter);
    const Snapshot before = Snapshot::take();
    const Stats stats[] = {keeper.plugin.stats(), counter.plugin.stats(), echoer.plugin.stats()};
    const auto begin = std::chrono::steady_clock::now();

    Load traffic(keeper, counter, echoer);
    strike_often(reaper, all, scaled(plan.deaths));
    traffic.stop();

    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    MESSAGE(reaper.text());
    std::size_t number = 0;
    for (const Soaked* soaked : all) {
        CAPTURE(soaked->plugin.name());
        MESSAGE(soaked->plugin.name() << ": " << soaked->told.answered() << " calls answered, " << soaked->told.failed()
                                      << " failed");
        CHECK(soaked->told.difference(stats[number++], soaked->plugin.stats()) == "");
        CHECK(unaccounted(soaked->plugin.stats()) == "");
        CHECK(soaked->told.wrong() == "");
        CHECK(soaked->told.answered() > 0);
    }
    settle(keeper, counter, echoer, reports);
    const long long more_kept = count_of(keeper) - kept;
    const long long more_counted = count_of(counter) - counted;
    MESSAGE("increments with a standby: " << more_kept << " of " << keeper.told.certain() << " to "
                                          << keeper.told.possible() << ", without: " << more_counted << " of "
                                          << counter.told.certain() << " to " << counter.told.possible());
    CHECK(more_kept >= keeper.told.certain());
    CHECK(more_kept <= keeper.told.possible());
    CHECK(more_counted >= counter.told.certain());
    CHECK(more_counted <= counter.told.possible());
    const int faults = struck_before.faults + reaper.faults();
    const int exits = struck_before.exits + reaper.exits();
    MESSAGE("reported: " << reports.faults.load() << " of " << faults << " SIGSEGV, " << reports.exits.load() << " of "
                         << exits << " exits");
    // Some die of another strike first, and of a death of their parents nobody learns the cause.
    CHECK(reports.faults <= faults);
    CHECK(reports.faults >= faults / 3);
    CHECK(reports.exits <= exits);
    CHECK(reports.exits >= exits / 2);
    CHECK(before.leftovers() == "");
    MESSAGE(took.count() << " s; the host grew by " << before.growth() / 1024 << " KiB");
    CHECK(before.growth() < kMostGrowth + kMostGrowthPerDeath * static_cast<std::size_t>(plan.deaths));
}

}  // namespace
}  // namespace bulkhead::tests
