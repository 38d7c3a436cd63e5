// neighbour: how much work others on the same cores get done while a host makes 1,000 calls a second.
//
// The others are a process on each core that only counts. What they count with a host that calls, and the same without
// any host, are measured in turns. All of the host's side is in it: the thread that makes the calls, its sleep between
// two of them, the worker. At least 0.95 of the work should be left.
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "benchmark.hpp"
#include "echo_host.hpp"
#include "peer.hpp"
#include "rounds.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::chrono::milliseconds kPeriod{1};

// A process on each core that has always something to do.
class BusyCores {
  public:
    explicit BusyCores(const Cores& cores) : memory_(cores.count() * sizeof(Counter)) {
        for (std::size_t index = 0; index < cores.count(); ++index) {
            Counter* const counter = &memory_.at<Counter>(index * sizeof(Counter));
            counters_.push_back(counter);
            peers_.push_back(std::make_unique<Peer>(cores.at(index), [counter] { work(*counter); }));
        }
    }

    // Units of work so far, in millions.
    double done() const noexcept {
        double sum = 0;
        for (const Counter* counter : counters_) {
            sum += static_cast<double>(counter->done.load(std::memory_order_relaxed));
        }
        return sum / 1e6;
    }

  private:
    struct Counter {
        alignas(256) std::atomic<std::uint64_t> done;
        std::atomic<std::uint64_t> result;  // so that the work cannot be left out
    };

    // Steps of a generator that need each other's result.
    static void work(Counter& counter) noexcept {
        for (std::uint64_t value = 1;;) {
            for (int step = 0; step < 100; ++step) {
                value = value * 6364136223846793005U + 1442695040888963407U;
            }
            counter.result.store(value, std::memory_order_relaxed);
            counter.done.fetch_add(1, std::memory_order_relaxed);
        }
    }

    SharedMemory memory_;
    std::vector<const Counter*> counters_;
    std::vector<std::unique_ptr<Peer>> peers_;
};

double work_without_host(const BusyCores& busy, std::chrono::milliseconds time) {
    const double before = busy.done();
    const auto begin = Clock::now();
    std::this_thread::sleep_for(time);
    const double done = busy.done() - before;
    return done / seconds(Clock::now() - begin);
}

// One that is late makes its next calls at once, so that there are 1,000 in each second. A quick run takes it as it
// comes: it is so short that being late once counts for much, and its figures are not to be judged.
double work_beside_calls(const BusyCores& busy, const EchoHost& host, std::chrono::milliseconds time, bool quick) {
    const std::string request(64, 'x');
    const double before = busy.done();
    const auto begin = Clock::now();
    const auto calls = time / kPeriod;
    for (auto call = decltype(calls){0}; call < calls; ++call) {
        std::this_thread::sleep_until(begin + call * kPeriod);
        host.echo(request);
    }
    const double done = busy.done() - before;
    const auto taken = Clock::now() - begin;
    if (!quick && taken > time + time / 4) {
        throw std::runtime_error("beside busy processes the host did not make 1,000 calls a second");
    }
    return done / seconds(taken);
}

}  // namespace

std::vector<Row> bench_neighbour(const Effort& effort, const Cores& cores) {
    const BusyCores busy(cores);
    const std::chrono::milliseconds time(effort.quick ? 500 : 2000);
    Rounds rounds("neighbour", "work", "M/s", "the same without a host");
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        const double alone = work_without_host(busy, time);
        const EchoHost host;
        rounds.add(work_beside_calls(busy, host, time, effort.quick), alone);
    }
    return {rounds.row()};
}

}  // namespace bulkhead::bench
