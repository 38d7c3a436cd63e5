// peers.SIZE.NAME: an echo through the complete public API, beside the same echo through other ways to call a process.
// The value is Bulkhead's, the reference the peer's.
#include <algorithm>
#include <array>
#include <iostream>
#include <stdexcept>
#include <string>

#include "benchmark.hpp"
#include "echo_host.hpp"
#include "peer_program.hpp"
#include "quantile_pair.hpp"
#include "rested.hpp"

namespace bulkhead::bench {
namespace {

// Whom Bulkhead meets, and how.
struct Match {
    const char* name;     // in the row
    const char* program;  // after "peer-"
    const char* waiting;  // the program's word
    bool rested;          // everybody sleeps between two calls; else one follows the other
    const char* what;
};
constexpr std::array kMatches = {
    Match{"iceoryx", "iceoryx", "spins", false, "iceoryx, spinning"},
    Match{"message_queue", "message_queue", "spins", false, "Boost.Interprocess message_queue, spinning"},
    Match{"unix_socket", "unix_socket", "sleeps", false, "Unix stream socket"},
    Match{"capnproto", "capnproto", "sleeps", false, "Cap'n Proto RPC on a Unix socket"},
    Match{"grpc", "grpc", "sleeps", false, "gRPC on a Unix socket"},
    Match{"iceoryx_parked", "iceoryx", "sleeps", true, "iceoryx with a WaitSet, asleep before each"},
    Match{"message_queue_parked", "message_queue", "sleeps", true, "message_queue, asleep before each"},
    Match{"unix_socket_parked", "unix_socket", "sleeps", true, "Unix stream socket, asleep before each"},
};

struct Size {
    const char* name;
    std::size_t bytes;
    std::size_t samples;           // in a round, where both spin
    std::size_t sleeping_samples;  // where one sleeps
};
constexpr std::array kSizes = {
    Size{"64B", 64, 20'000, 1'000},
    Size{"1MiB", std::size_t{1} << 20, 60, 60},
};
constexpr std::size_t kRestedSamples = 100;

std::size_t samples_of(const Match& match, const Size& size, const Effort& effort) {
    const bool spins = std::string_view(match.waiting) == "spins";
    const std::size_t full = spins ? size.samples : size.sleeping_samples;
    return effort.samples(match.rested ? std::min(full, kRestedSamples) : full);
}

void measure(const Match& match, const Size& size, const EchoHost& host, PeerProgram& program, const Effort& effort,
             std::vector<Row>& rows) {
    const std::string request(size.bytes, 'x');
    const std::size_t samples = samples_of(match, size, effort);
    const std::size_t warm_up = samples / 10 + 1;
    const auto call = [&] { host.echo(request); };
    const auto rest = match.rested ? kLongRest : std::chrono::microseconds(0);
    QuantilePair pair(std::string("peers.") + size.name + "." + match.name, match.what);
    for (std::size_t round = 0; round < effort.rounds(); ++round) {
        time_each(warm_up, call);
        const Samples calls = match.rested ? time_each_after_rest(samples, rest, call) : time_each(samples, call);
        pair.add(calls, program.measure(size.bytes, warm_up, samples, rest));
    }
    pair.append_to(rows);
}

// False, with a sentence for people: it cannot be had here.
bool measure_all_sizes(const Match& match, const EchoHost& host, const Effort& effort, const Cores& cores,
                       std::array<std::vector<Row>, kSizes.size()>& rows) {
    try {
        PeerProgram program(effort.peers / (std::string("peer-") + match.program), match.waiting, kSizes.back().bytes,
                            cores);
        for (std::size_t size = 0; size < kSizes.size(); ++size) {
            measure(match, kSizes[size], host, program, effort, rows[size]);
        }
        return true;
    } catch (const PeerUnavailable& error) {
        std::cerr << "bulkhead-bench: the peer " << match.name << " is left out: " << error.what() << "\n";
        return false;
    }
}

}  // namespace

std::vector<Row> bench_peers(const Effort& effort, const Cores& cores) {
    if (effort.peers.empty()) {
        std::cerr << "bulkhead-bench: peers is left out: scripts/bench peers builds them and says where they are\n";
        return {};
    }
    const EchoHost host;
    pin_process(host.worker(), cores.answerer());
    const PinnedThread pinned(cores.caller());
    std::array<std::vector<Row>, kSizes.size()> rows;
    bool any = false;
    for (const Match& match : kMatches) {
        any |= measure_all_sizes(match, host, effort, cores, rows);
    }
    if (!any) {
        throw std::runtime_error("there is no peer in " + effort.peers.string());
    }
    std::vector<Row> all;
    for (const auto& of_size : rows) {
        all.insert(all.end(), of_size.begin(), of_size.end());
    }
    return all;
}

}  // namespace bulkhead::bench
