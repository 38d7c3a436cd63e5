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
#include "rested.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kDeaths = 100;  // in a round
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

// From the faulting instruction, or right before the kill, to the next good reply. Returns when a standby is there
// again.
std::chrono::nanoseconds time_away(const EchoHost& host, bool by_fault) {
    const pid_t worker = host.worker();
    const std::uint64_t reports = host.reports();
    rest_after_death();
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
            await_standby(host);
            return away;
        }
    }
    throw std::runtime_error("a worker that was ended still answers");
}

// A process on the other core that sleeps until it is woken. As at a death, that core is awake by then.
class Wakes {
  public:
    explicit Wakes(const Cores& cores) : caller_(cores.caller()), other_(cores.answerer()), peer_(cores.answerer()) {}

    // One way.
    std::chrono::nanoseconds time_one() {
        rest_after_death();
        return time(1) / 2;
    }
    std::chrono::nanoseconds time_three() { return time(2) * 3 / 4; }

  private:
    std::chrono::nanoseconds time(int round_trips) {
        const PinnedThread pinned(caller_);
        other_.round_trip();
        const auto begin = Clock::now();
        for (int trip = 0; trip < round_trips; ++trip) {
            peer_.round_trip();
        }
        return Clock::now() - begin;
    }

    const int caller_;
    SleepingPingPong other_;
    SleepingPingPong peer_;
};

// The bare death notice and three wake-ups, each measured by itself.
std::chrono::nanoseconds time_notice(BareWorkers& workers, Wakes& wakes) {
    workers.watch();
    rest_after_death();
    const auto begin = Clock::now();
    workers.kill();
    workers.await_death();
    const auto notice = Clock::now() - begin;
    workers.start();
    return notice + wakes.time_three();
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
            if (stop_) {
                break;
            }
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
    await_standby(host);
    Wakes wakes(cores);
    const std::size_t deaths = effort.samples(kDeaths);
    QuantilePair fault("recovery.standby.fault", "one wake-up of another process, one way");
    QuantilePair kill("recovery.standby.kill", "death by pidfd, and three wake-ups, one way");
    // Of all rounds together: a death keeps one call or a few from being served at once, so with ten deaths a second
    // about one call of a hundred is late, and in a single round chance decides on which side of the p99 that falls.
    Samples calm;
    Samples meanwhile;
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        const auto [faults, one_wake] = take_in_turns(
            deaths, [&] { return time_away(host, true); }, [&] { return wakes.time_one(); });
        fault.add(faults, one_wake);
        const auto [kills, notices] = take_in_turns(
            deaths, [&] { return time_away(host, false); }, [&] { return time_notice(bare, wakes); });
        kill.add(kills, notices);
        calm.append(time_calls(effort.samples(kCalls), neighbour));
        {
            const Trouble trouble(host);
            meanwhile.append(time_calls(effort.samples(kCalls), neighbour));
        }
        host.call_until_reports(host.plugin().stats().deaths);
        await_standby(host);
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
