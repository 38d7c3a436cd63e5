// payload.SIZE: echo of a large payload through the copying API, beside three copies of that size.
#include <array>
#include <stdexcept>
#include <string>

#include "bare_copies.hpp"
#include "benchmark.hpp"
#include "echo_host.hpp"
#include "rounds.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

struct Size {
    const char* name;
    std::size_t bytes;
    std::size_t samples;  // in a round
};
constexpr std::array kSizes = {
    Size{"payload.1KiB", std::size_t{1} << 10, 10'000}, Size{"payload.64KiB", std::size_t{64} << 10, 400},
    Size{"payload.1MiB", std::size_t{1} << 20, 60},     Size{"payload.16MiB", std::size_t{16} << 20, 10},
    Size{"payload.64MiB", std::size_t{64} << 20, 5},
};

Row measure(const Size& size, const EchoHost& host, const Effort& effort, const Cores& cores) {
    const std::string request(size.bytes, 'x');
    Rounds rounds(size.name, "p50", "us", "three copies across two processes");
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        host.echo(request);
        const Samples calls = time_each(effort.samples(size.samples), [&] { host.echo(request); });
        BareCopies reference(size.bytes, cores.answerer());
        const auto copy = [&] {
            if (!reference.echo()) {
                throw std::runtime_error("the copies are wrong");
            }
        };
        copy();
        const Samples copies = time_each(effort.samples(size.samples), copy);
        rounds.add(microseconds(calls.quantile(0.5)), microseconds(copies.quantile(0.5)));
    }
    return rounds.row();
}

}  // namespace

std::vector<Row> bench_payload(const Effort& effort, const Cores& cores) {
    const EchoHost host;
    pin_process(host.worker(), cores.answerer());
    const PinnedThread pinned(cores.caller());
    std::vector<Row> rows;
    for (const Size& size : kSizes) {
        rows.push_back(measure(size, host, effort, cores));
    }
    return rows;
}

}  // namespace bulkhead::bench
