// call.spin, call.park and call.async: a 64-byte echo through the complete public API, beside what two processes need
// to tell each other anything at all.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "benchmark.hpp"
#include "echo_host.hpp"
#include "ping_pong.hpp"
#include "quantile_pair.hpp"
#include "rested.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kSpinSamples = 50'000;
constexpr std::size_t kParkSamples = 300;
constexpr std::size_t kAsyncSamples = 10'000;

// Nobody sleeps: caller and worker have a core each.
void measure_spinning(const Effort& effort, const Cores& cores, std::vector<Row>& rows) {
    const EchoHost host;  // before pinning: it measures what waking another core costs
    const std::string request(64, 'x');
    const std::size_t samples = effort.samples(kSpinSamples);
    QuantilePair pair("call.spin", "raw cache-line ping-pong of two processes, spinning");
    pin_process(host.worker(), cores.answerer());
    const PinnedThread pinned(cores.caller());
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        time_each(samples / 10, [&] { host.echo(request); });
        const Samples calls = time_each(samples, [&] { host.echo(request); });
        SpinningPingPong reference(cores.answerer());
        time_each(samples / 10, [&] { reference.round_trip(); });
        pair.add(calls, time_each(samples, [&] { reference.round_trip(); }));
    }
    pair.append_to(rows);
}

boost::asio::awaitable<void> echo_in_turn(const Plugin& plugin, std::string_view request, std::size_t count,
                                          Samples& samples) {
    for (std::size_t run = 0; run < count; ++run) {
        const auto begin = Clock::now();
        const auto reply = co_await plugin.async_call("echo", request, {}, boost::asio::use_awaitable);
        samples.add(Clock::now() - begin);
        if (!reply || reply->size() != request.size()) {
            throw std::runtime_error(reply ? "an echo has another length than its request" : reply.error().message);
        }
    }
}

// A coroutine on an event loop makes one call after the other; the loop sleeps meanwhile.
void measure_asynchronous(const Effort& effort, const Cores& cores, std::vector<Row>& rows) {
    const EchoHost host;
    const std::string request(64, 'x');
    const std::size_t samples = effort.samples(kAsyncSamples);
    QuantilePair pair("call.async", "raw futex ping-pong of two processes");
    pin_process(host.worker(), cores.answerer());
    const PinnedThread pinned(cores.caller());
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        Samples calls;
        calls.reserve(samples);
        boost::asio::io_context loop;
        auto failed =
            boost::asio::co_spawn(loop, echo_in_turn(host.plugin(), request, samples, calls), boost::asio::use_future);
        loop.run();
        failed.get();
        SleepingPingPong reference(cores.answerer());
        pair.add(calls, time_each(samples, [&] { reference.round_trip(); }));
    }
    pair.append_to(rows);
}

// Everybody sleeps between two calls.
void measure_parked(const std::string& name, int caller, int answerer, const EchoHost& host, const Effort& effort,
                    std::vector<Row>& rows) {
    const std::string request(64, 'x');
    const std::size_t samples = effort.samples(kParkSamples);
    QuantilePair pair(name, "raw futex ping-pong of two processes, asleep before each");
    pin_process(host.worker(), answerer);
    const PinnedThread pinned(caller);
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        const Samples calls = time_each_after_rest(samples, kLongRest, [&] { host.echo(request); });
        SleepingPingPong reference(answerer);
        pair.add(calls, time_each_after_rest(samples, kLongRest, [&] { reference.round_trip(); }));
    }
    pair.append_to(rows);
}

}  // namespace

std::vector<Row> bench_call(const Effort& effort, const Cores& cores) {
    std::vector<Row> rows;
    measure_spinning(effort, cores, rows);
    measure_asynchronous(effort, cores, rows);
    {
        const EchoHost host;
        measure_parked("call.park", cores.caller(), cores.answerer(), host, effort, rows);
    }
    {
        // A host that may use only one core, as its workers may.
        const PinnedThread pinned(cores.caller());
        const EchoHost host;
        measure_parked("call.park.one_core", cores.caller(), cores.caller(), host, effort, rows);
    }
    return rows;
}

}  // namespace bulkhead::bench
