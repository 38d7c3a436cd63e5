#include "traffic.hpp"

#include <string>
#include <string_view>

#include "piece_checksum.hpp"

namespace bulkhead::demo {
namespace {

Callers::Call sum_up(const Plugin& plugin, std::span<const std::byte> bytes) {
    return [plugin, bytes, expected = checksum_of(bytes)](Tally& tally) {
        tallied(
            tally, [&] { return plugin.call("checksum", bytes); },
            [&](const Bytes& reply) { return is_checksum(reply, expected); });
    };
}

Callers::Call expect(const Plugin& plugin, std::string_view method, std::string_view request,
                     std::string_view expected) {
    return [plugin, method, request, expected](Tally& tally) {
        tallied(
            tally, [&] { return plugin.call(method, request); },
            [&](const Bytes& reply) { return reply.text() == expected; });
    };
}

// Takes long enough that a death from outside finds the worker at it.
constexpr std::size_t kLarge = std::size_t{64} << 10;

Callers::Call echo_large(const Plugin& plugin) {
    return [plugin, request = std::string(kLarge, 'x')](Tally& tally) {
        tallied(
            tally, [&] { return plugin.call("echo", request); },
            [&](const Bytes& reply) { return reply.text() == request; });
    };
}

Callers::Call make_large(const Plugin& plugin) {
    return [plugin, size = std::to_string(kLarge)](Tally& tally) {
        tallied(
            tally, [&] { return plugin.call("big_reply", size); },
            [](const Bytes& reply) { return reply.size() == kLarge; });
    };
}

}  // namespace

Traffic::Traffic(const Stage& stage, std::span<const std::byte> bytes)
    : checksum_(1, sum_up(*stage.checksum, bytes)),
      greeter_(1, expect(*stage.greeter, "greet", "Ada", "Hello, Ada!")),
      small_(1, expect(*stage.faulty, "echo", "still there?", "still there?")),
      repeatable_(1, echo_large(*stage.faulty)),
      unrepeatable_(1, make_large(*stage.faulty)) {}

Traffic::Figures Traffic::stop() {
    Figures figures;
    figures.faulty = small_.stop();
    figures.faulty.add(repeatable_.stop());
    figures.faulty.add(unrepeatable_.stop());
    figures.checksum = checksum_.stop();
    figures.greeter = greeter_.stop();
    return figures;
}

}  // namespace bulkhead::demo
