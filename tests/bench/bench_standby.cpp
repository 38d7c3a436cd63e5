// recovery.standby.fault, recovery.standby.kill and recovery.neighbours: how long a plugin with a standby and a state
// of 4 KiB, saved with each call, is away, and what the others notice of deaths.
#include <atomic>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "bare_workers.hpp"
#include "benchmark.hpp"
#include "echo_host.hpp"
#include "ping_pong.hpp"
#include "quantile_pair.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kDeaths = 100;  // in a round
constexpr std::size_t kWakes = 1000;
constexpr int kCallsPerLook = 100;
constexpr std::size_t kCalls = 4000;  // in a round, 2,000 a second
constexpr std::chrono::seconds kPatience{10};
constexpr char kStandby[] = R"({"supervision": {"standby": 1}, "state": {"every_calls": 1}})";

// The standby of a worker that has just died takes its time; what is measured begins with one. Calls meanwhile.
void await_standby(const EchoHost& host) {
    const auto begin = Clock::now();
    while (!host.plugin().status().standby_ready) {
        if (Clock::now() > begin + kPatience) {
            throw std::runtime_error("no standby comes");
        }
        for (int call = 0; call < kCallsPerLook; ++call) {
            host.echo("echo");
        }
    }
}

// From the faulting instruction, or right before the kill, to the next good reply.
std::chrono::nanoseconds time_away(const EchoHost& host, bool by_fault) {
    const pid_t worker = host.worker();
    await_standby(host);
    const std::uint64_t reports = host.reports();
    const auto begin = Clock::now();
    if (!by_fault) {
        ::kill(worker, SIGKILL);
    } else {
        host.crash();
    }
    while (Clock::now() < begin + kPatience) {
        if (host.worker() != worker) {
            const auto away = Clock::now() - (by_fault ? host.fault() : begin);
            host.call_until_reports(reports + 1);
            return away;
        }
    }
    throw std::runtime_error("a worker that was ended still answers");
}

Samples time_deaths(std::size_t count, const EchoHost& host, bool by_fault) {
    Samples samples;
    for (std::size_t run = 0; run < count; ++run) {
        samples.add(time_away(host, by_fault));
    }
    return samples;
}

// One way of a wake-up from one process to another on the other core.
Samples time_wakes(std::size_t count, SleepingPingPong& peer) {
    Samples samples;
    for (std::size_t run = 0; run < count; ++run) {
        const auto begin = Clock::now();
        peer.round_trip();
        samples.add((Clock::now() - begin) / 2);
    }
    return samples;
}

// The bare death notice and three wake-ups, each measured by itself.
Samples time_notices(std::size_t count, BareWorkers& workers, SleepingPingPong& peer) {
    Samples samples;
    for (std::size_t run = 0; run < count; ++run) {
        workers.watch();
        auto begin = Clock::now();
        workers.kill();
        workers.await_death();
        auto taken = Clock::now() - begin;
        workers.start();
        begin = Clock::now();
        peer.round_trip();
        peer.round_trip();
        taken += (Clock::now() - begin) * 3 / 4;
        samples.add(taken);
    }
    return samples;
}

// A death every kPause until told to stop; the plugin has long had its standby again.
class Trouble {
  public:
    static constexpr std::chrono::milliseconds kPause{100};

    explicit Trouble(const EchoHost& host) : thread_([this, &host] { run(host); }) {}
    ~Trouble() {
        stop_ = true;
        thread_.join();
    }
    Trouble(const Trouble&) = delete;
    Trouble& operator=(const Trouble&) = delete;

  private:
    void run(const EchoHost& host) {
        for (auto next = Clock::now(); !stop_; next += kPause) {
            std::this_thread::sleep_until(next);
            static_cast<void>(host.plugin().call("segfault", ""));
        }
    }

    std::atomic<bool> stop_{false};
    std::thread thread_;
};

// A call every kPeriod, each timed from when it was due: one that is late because the call before it took long counts
// as what it is for who waits for it.
Samples time_calls(std::size_t count, const Plugin& plugin) {
    constexpr std::chrono::microseconds kPeriod{500};
    Samples samples;
    samples.reserve(count);
    auto due = Clock::now();
    for (std::size_t run = 0; run < count; ++run) {
        due += kPeriod;
        std::this_thread::sleep_until(due);
        if (!plugin.call("echo", "neighbour").has_value()) {
            throw std::runtime_error("a neighbour's call failed");
        }
        samples.add(Clock::now() - due);
    }
    return samples;
}

}  // namespace

std::vector<Row> bench_standby(const Effort& effort, const Cores& cores) {
    EchoHost host(kStandby);
    const Plugin neighbour = host.add_neighbour();
    BareWorkers bare(BULKHEAD_BENCH_ECHO "/libbench_echo.so");
    bare.start();
    SleepingPingPong peer(cores.answerer());
    const std::size_t deaths = effort.samples(kDeaths);
    QuantilePair fault("recovery.standby.fault", "one wake-up of another process, one way");
    QuantilePair kill("recovery.standby.kill", "death by pidfd, and three wake-ups, one way");
    // Of all rounds together: a death keeps one call or a few from being served at once, so with ten deaths a second
    // about one call of a hundred is late, and in a single round chance decides on which side of the p99 that falls.
    Samples calm;
    Samples meanwhile;
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        {
            const Samples ours = time_deaths(deaths, host, true);
            const PinnedThread pinned(cores.caller());
            fault.add(ours, time_wakes(effort.samples(kWakes), peer));
        }
        const Samples ours = time_deaths(deaths, host, false);
        {
            const PinnedThread pinned(cores.caller());
            kill.add(ours, time_notices(deaths, bare, peer));
        }
        calm.append(time_calls(effort.samples(kCalls), neighbour));
        const Trouble trouble(host);
        meanwhile.append(time_calls(effort.samples(kCalls), neighbour));
    }
    Rounds neighbours("recovery.neighbours", "p99", "us", "the same calls without deaths");
    neighbours.add(microseconds(meanwhile.quantile(0.99)), microseconds(calm.quantile(0.99)));
    std::vector<Row> rows;
    fault.append_to(rows);
    kill.append_to(rows);
    rows.push_back(neighbours.row());
    return rows;
}

}  // namespace bulkhead::bench
