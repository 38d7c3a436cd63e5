// zerocopy: a mebibyte that nobody copies, beside two processes that touch the same bytes of a bare shared mapping.
#include <bulkhead/transport/waiting.hpp>
#include <stdexcept>

#include "bare_touches.hpp"
#include "benchmark.hpp"
#include "echo_host.hpp"
#include "plugins/bench_echo/touches.h"
#include "quantile_pair.hpp"
#include "stopwatch.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kSize = std::size_t{1} << 20;
constexpr std::size_t kSamples = 400;  // in a round

// Built in place, read in place, answered in place, viewed in place.
void call_in_place(const Plugin& plugin) {
    auto request = plugin.prepare("touch", kSize);
    if (!request) {
        throw std::runtime_error(request.error().message);
    }
    auto* const words = reinterpret_cast<std::uint64_t*>(request->bytes().data());
    touch_fill(words, kSize, 1);
    const auto reply = plugin.call_in_place(*std::move(request));
    if (!reply) {
        throw std::runtime_error(reply.error().message);
    }
    constexpr std::uint64_t kWords = kSize / sizeof(std::uint64_t);
    constexpr std::uint64_t kSteps = kWords * (kWords - 1) / 2;
    const std::uint64_t sum = touch_sum(reinterpret_cast<const std::uint64_t*>(reply->bytes().data()), reply->size());
    if (!reply->in_place() || sum != kWords * (kWords + kSteps) + kSteps) {
        throw std::runtime_error("the answer in place is wrong");
    }
}

}  // namespace

std::vector<Row> bench_zerocopy(const Effort& effort, const Cores& cores) {
    const EchoHost host;
    const auto spin = transport::wake_up_cost();
    const std::size_t samples = effort.samples(kSamples);
    QuantilePair pair("zerocopy", "the same touches by two processes on a bare shared mapping, waiting alike");
    pin_process(host.worker(), cores.answerer());
    const PinnedThread pinned(cores.caller());
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        const auto call = [&] { call_in_place(host.plugin()); };
        time_each(samples / 10 + 2, call);
        const Samples calls = time_each(samples, call);
        BareTouches reference(kSize, spin, cores.answerer());
        const auto touch = [&] {
            if (!reference.round_trip()) {
                throw std::runtime_error("the reference is wrong");
            }
        };
        time_each(samples / 10 + 2, touch);
        pair.add(calls, time_each(samples, touch));
    }
    std::vector<Row> rows;
    pair.append_to(rows);
    return rows;
}

}  // namespace bulkhead::bench
