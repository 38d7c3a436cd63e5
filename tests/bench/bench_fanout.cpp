// fanout: a 64-byte echo of each plugin in turn, in hosts with 10, 100 and 1000 of them. Workers and caller are asleep
// when a call comes, so that what differs is how many plugins there are.
#include <array>
#include <string>
#include <thread>

#include "benchmark.hpp"
#include "crowd.hpp"
#include "rounds.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kCalls = 1000;  // in a round, of each host
// Longer than any side spins.
constexpr std::chrono::microseconds kRest{400};

double median_call(const Crowd& crowd, std::size_t& next) {
    const std::string request(64, 'x');
    Samples samples;
    for (std::size_t call = 0; call < kCalls; ++call, ++next) {
        std::this_thread::sleep_for(kRest);
        samples.append(time_each(1, [&] { crowd.echo(next % crowd.size(), request); }));
    }
    return microseconds(samples.quantile(0.5));
}

}  // namespace

std::vector<Row> bench_fanout(const Effort& effort, const Cores& cores) {
    const Crowd ten(10);
    const Crowd hundred(100);
    const Crowd thousand(1000);
    const std::array crowds{&ten, &hundred, &thousand};
    for (const Crowd* crowd : crowds) {
        crowd->pin_workers(cores.answerer());
    }
    const PinnedThread pinned(cores.caller());
    Rounds at_hundred("fanout.100", "p50", "us", "the same over 10 plugins");
    Rounds at_thousand("fanout.1000", "p50", "us", "the same over 10 plugins");
    std::array<std::size_t, crowds.size()> next{};
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        std::array<double, crowds.size()> medians{};
        for (std::size_t index = 0; index < crowds.size(); ++index) {
            medians.at(index) = median_call(*crowds.at(index), next.at(index));
        }
        at_hundred.add(medians[1], medians[0]);
        at_thousand.add(medians[2], medians[0]);
    }
    return {at_hundred.row(), at_thousand.row()};
}

}  // namespace bulkhead::bench
