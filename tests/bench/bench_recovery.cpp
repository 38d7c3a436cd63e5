// recovery.cold and recovery.kill: how long a plugin is away, beside the least that any launcher must do.
//
// Away is from right before the fault is asked for (a call of the method that faults, or SIGKILL from outside) to the
// first reply of the next worker: the way of that call to the worker is in it.
#include <csignal>
#include <stdexcept>

#include "bare_workers.hpp"
#include "benchmark.hpp"
#include "echo_host.hpp"
#include "quantile_pair.hpp"
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
    } else if (host.plugin().call("segfault", "").has_value()) {
        throw std::runtime_error("a worker survived its fault");
    }
}

std::chrono::nanoseconds time_away(const EchoHost& host, Death death) {
    const pid_t worker = host.worker();
    const auto begin = Clock::now();
    end(host, worker, death);
    while (Clock::now() < begin + kPatience) {
        if (host.worker() != worker) {
            return Clock::now() - begin;
        }
    }
    throw std::runtime_error("a worker that was ended still answers");
}

std::chrono::nanoseconds time_away(BareWorkers& workers, Death death) {
    workers.watch();
    const auto begin = Clock::now();
    death == Death::kill ? workers.kill() : workers.crash();
    workers.await_death();
    workers.start();
    return Clock::now() - begin;
}

template <typename Measured>
Samples time_deaths(std::size_t count, Measured& measured, Death death) {
    Samples samples;
    for (std::size_t run = 0; run < count; ++run) {
        samples.add(time_away(measured, death));
    }
    return samples;
}

}  // namespace

std::vector<Row> bench_recovery(const Effort& effort, const Cores&) {
    EchoHost host;
    BareWorkers bare(BULKHEAD_BENCH_ECHO "/libbench_echo.so");
    bare.start();
    const std::size_t deaths = effort.samples(kDeaths);
    QuantilePair cold("recovery.cold", kReference);
    QuantilePair kill("recovery.kill", kReference);
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        for (const Death death : {Death::fault, Death::kill}) {
            const Samples ours = time_deaths(deaths, host, death);
            (death == Death::fault ? cold : kill).add(ours, time_deaths(deaths, bare, death));
        }
    }
    std::vector<Row> rows;
    cold.append_to(rows);
    kill.append_to(rows);
    return rows;
}

}  // namespace bulkhead::bench
