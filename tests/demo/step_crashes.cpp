// Step: a plugin crashes again and again in the middle of calls; nobody else notices.
#include <array>
#include <string>
#include <vector>

#include "attacker.hpp"
#include "common/wording.hpp"
#include "piece_checksum.hpp"
#include "sample_file.hpp"
#include "stage.hpp"
#include "traffic.hpp"

namespace bulkhead::demo {
namespace {

constexpr std::size_t kRounds = 25;  // through all faults
constexpr std::size_t kDeaths = kRounds * kFaults.size();
constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kCalm{1000};

// How long the plugin was away, by fault. The attacker gives up at the first fault that it does not come back from.
struct Absences {
    std::array<Samples, kFaults.size()> by_fault;
    Samples all;
    bool always_back = true;
};

Absences attack(Attacker& attacker) {
    Absences absences;
    for (std::size_t strike = 0; strike < kDeaths && absences.always_back; ++strike) {
        const std::size_t fault = strike % kFaults.size();
        const auto absence = attacker.strike(kFaults.at(fault));
        absences.always_back = absence.has_value();
        if (absence) {
            absences.by_fault.at(fault).add(*absence);
            absences.all.add(*absence);
        }
    }
    return absences;
}

void stay_calm(Attacker& attacker) {
    const auto end = std::chrono::steady_clock::now() + kCalm;
    while (std::chrono::steady_clock::now() < end) {
        attacker.ask();
    }
}

bool tells_the_truth(const std::vector<Report>& reports) {
    bool truth = reports.size() == kDeaths;
    for (std::size_t death = 0; truth && death < kDeaths; ++death) {
        truth = is_report_of(reports[death], kFaults.at(death % kFaults.size()));
    }
    return truth;
}

void show_deaths(Stage& stage, const Absences& absences, const std::vector<Report>& reports) {
    Table table({Table::left("what the plugin does"), Table::left("what its report says"), Table::right("deaths"),
                 Table::right("back after: p50"), Table::right("p99"), Table::right("longest")});
    const auto add = [&table](std::string name, std::string clause, const Samples& samples) {
        table.add({std::move(name), std::move(clause), grouped(samples.count()), duration_text(samples.quantile(0.5)),
                   duration_text(samples.quantile(0.99)), duration_text(samples.longest())});
    };
    for (std::size_t fault = 0; fault < kFaults.size(); ++fault) {
        add(std::string(kFaults.at(fault).name), fault < reports.size() ? reports[fault].clause() : "none",
            absences.by_fault.at(fault));
    }
    add("all", "", absences.all);
    stage.screen.table(table);
    stage.screen.line("\"back after\" is from the fault to the next good reply");
}

void show_neighbours(const Stage& stage, const Traffic::Figures& calm, const Traffic::Figures& storm) {
    Table table({Table::left("neighbour"), Table::left("while faulty"), Table::right("calls"), Table::right("errors"),
                 Table::right("wrong replies"), Table::right("p50"), Table::right("p99"), Table::right("longest")});
    const auto add = [&table](const std::string& name, const char* when, const Tally& tally) {
        const Samples& latency = tally.latency();
        table.add({name, when, grouped(tally.calls()), grouped(tally.errors()), grouped(tally.wrong_replies()),
                   duration_text(latency.quantile(0.5)), duration_text(latency.quantile(0.99)),
                   duration_text(latency.longest())});
    };
    add("checksum", "is well", calm.checksum);
    add("checksum", "crashes", storm.checksum);
    add("greeter", "is well", calm.greeter);
    add("greeter", "crashes", storm.greeter);
    stage.screen.table(table);
}

void show_accounts(Stage& stage) {
    Table table({Table::left("plugin"), Table::right("calls"), Table::right("replies"), Table::right("crashed"),
                 Table::right("other errors"), Table::right("no outcome"), Table::right("tried again")});
    const auto add = [&table](const Plugin& plugin) {
        const Stats stats = plugin.stats();
        const std::uint64_t crashed = stats.failed(ErrorCode::crashed);
        table.add({plugin.name(), grouped(stats.calls), grouped(stats.succeeded), grouped(crashed),
                   grouped(stats.ended() - stats.succeeded - crashed), grouped(stats.in_flight),
                   grouped(stats.retries)});
    };
    for (const Plugin& plugin : {*stage.checksum, *stage.greeter, *stage.faulty}) {
        add(plugin);
    }
    stage.screen.line("the host's own figures since the start:");
    stage.screen.table(table);
    const bool agree = stage.checksum_calls.agrees_with(stage.checksum->stats()) &&
                       stage.greeter_calls.agrees_with(stage.greeter->stats()) &&
                       stage.faulty_calls.agrees_with(stage.faulty->stats());
    stage.screen.check(agree, "every call ended once, and the callers count the same outcomes as the host");
}

void check_neighbours(Stage& stage, const Traffic::Figures& calm, const Traffic::Figures& storm) {
    bool unharmed = true;
    for (const Tally* tally : {&calm.checksum, &calm.greeter, &storm.checksum, &storm.greeter}) {
        unharmed = unharmed && tally->calls() > 0 && tally->errors() == 0 && tally->wrong_replies() == 0;
    }
    unharmed = unharmed && stage.checksum->stats().deaths == 0 && stage.greeter->stats().deaths == 0;
    stage.screen.check(unharmed, "the neighbours lost no call and answered each one right");
}

}  // namespace

void crash_again_and_again(Stage& stage) {
    stage.screen.step("Crash a plugin " + std::to_string(kDeaths) + " times in the middle of calls");
    const SampleFile program("/proc/self/exe");
    const auto piece = program.bytes().first(kPiece);
    Attacker attacker(*stage.faulty);

    Traffic calm_traffic(stage, piece);
    stay_calm(attacker);
    const Traffic::Figures calm = calm_traffic.stop();

    Traffic storm_traffic(stage, piece);
    const Absences absences = attack(attacker);
    const Traffic::Figures storm = storm_traffic.stop();

    stage.faulty_calls.add(attacker.tally());
    for (const Traffic::Figures* figures : {&calm, &storm}) {
        stage.checksum_calls.add(figures->checksum);
        stage.greeter_calls.add(figures->greeter);
        stage.faulty_calls.add(figures->faulty);
    }

    const std::vector<Report> reports = stage.deaths->of_plugin("faulty", kDeaths);
    const Stats stats = stage.faulty->stats();
    show_deaths(stage, absences, reports);
    stage.screen.check(absences.always_back && stats.deaths == kDeaths && stats.restarts == kDeaths,
                       std::to_string(stats.deaths) + " deaths, and the plugin came back from each");
    if (!absences.always_back) {
        stage.screen.quote(attacker.complaint());
    }
    stage.screen.check(tells_the_truth(reports), "each report names the right cause; the first one in full:");
    stage.screen.quote(reports.empty() ? "none" : reports.front().text());
    show_neighbours(stage, calm, storm);
    check_neighbours(stage, calm, storm);
    show_accounts(stage);
}

}  // namespace bulkhead::demo
