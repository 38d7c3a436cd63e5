// pipeline: how many 64-byte echoes pass in a second when 256 are outstanding, handlers run inline, beside the bare
// rings with the same window.
#include "bare_ring.hpp"
#include "benchmark.hpp"
#include "echo_host.hpp"
#include "pump.hpp"
#include "rounds.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::uint64_t kWindow = 256;
constexpr std::size_t kCalls = 200'000;

}  // namespace

std::vector<Row> bench_pipeline(const Effort& effort, const Cores& cores) {
    const EchoHost host;
    pin_process(host.worker(), cores.answerer());
    Pump pump(host.plugin(), BareRing::kPayload, cores.caller());
    const PinnedThread pinned(cores.caller());
    const std::uint64_t calls = effort.samples(kCalls);
    const auto rate = [calls](std::chrono::nanoseconds time) { return static_cast<double>(calls) / seconds(time); };
    Rounds rounds("pipeline", "rate", "1/s", "the bare ring between two processes, same window");
    pump.run(calls / 10, kWindow);
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        const double ours = rate(pump.run(calls, kWindow));
        BareRing ring(cores.answerer());
        ring.echo(calls / 10, kWindow);
        const auto begin = Clock::now();
        ring.echo(calls, kWindow);
        rounds.add(ours, rate(Clock::now() - begin));
    }
    return {rounds.row()};
}

}  // namespace bulkhead::bench
