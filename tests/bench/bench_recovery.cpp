// recovery.cold and recovery.kill: how long a plugin is away, beside the least that any launcher must do.
//
// Away is from the faulting instruction, or from right before SIGKILL, to the first reply of the next worker, which is
// called without pause meanwhile. The reference: from the same instant to the next process that is ready.
#include <csignal>
#include <stdexcept>

#include "bare_workers.hpp"
#include "benchmark.hpp"
#include "echo_host.hpp"
#include "quantile_pair.hpp"
#include "rested.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kDeaths = 100;  // in a round
constexpr std::chrono::seconds kPatience{10};
constexpr char kReference[] = "bare fork server: fork, rlimits, dlopen, death by pidfd";

enum class Death { fault, kill };

void end(const EchoHost& host, pid_t worker, Death death) {
    if (death == Death::kill) {
        ::kill(worker, SIGKILL);
    } else {
        host.crash();
    }
}

std::chrono::nanoseconds time_away(const EchoHost& host, Death death) {
    const pid_t worker = host.worker();
    const std::uint64_t reports = host.reports();
    rest_after_death();
    const auto begin = Clock::now();
    end(host, worker, death);
    while (Clock::now() < begin + kPatience) {
        if (host.worker() != worker) {
            const auto away = Clock::now() - (death == Death::kill ? begin : host.fault());
            host.call_until_reports(reports + 1);
            return away;
        }
    }
    throw std::runtime_error("a worker that was ended still answers");
}

std::chrono::nanoseconds time_away(BareWorkers& workers, Death death) {
    workers.watch();
    rest_after_death();
    const auto begin = Clock::now();
    death == Death::kill ? workers.kill() : workers.crash();
    workers.await_death();
    workers.start();
    return Clock::now() - (death == Death::kill ? begin : workers.fault());
}

}  // namespace

std::vector<Row> bench_recovery(const Effort& effort, const Cores& cores) {
    std::vector<Row> rows = bench_standby(effort, cores);
    EchoHost host;
    BareWorkers bare(BULKHEAD_BENCH_ECHO "/libbench_echo.so");
    bare.start();
    const std::size_t deaths = effort.samples(kDeaths);
    QuantilePair cold("recovery.cold", kReference);
    QuantilePair kill("recovery.kill", kReference);
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        for (const Death death : {Death::fault, Death::kill}) {
            const auto [ours, reference] = take_in_turns(
                deaths, [&] { return time_away(host, death); }, [&] { return time_away(bare, death); });
            (death == Death::fault ? cold : kill).add(ours, reference);
        }
    }
    cold.append_to(rows);
    kill.append_to(rows);
    return rows;
}

}  // namespace bulkhead::bench
