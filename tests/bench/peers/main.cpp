// peer-NAME WAITING CALLING_CORE ANSWERING_CORE LARGEST: measures a peer for bulkhead-bench, which asks on standard
// input, a line each: "SIZE WARM_UP SAMPLES REST_US". The answer is a line with the nanoseconds of each round trip; the
// first line, "ready", comes unasked. Instead of either it may be "failed: REASON". It ends at the end of its input.
#include <signal.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

#include "../cores.hpp"
#include "../rested.hpp"
#include "../stopwatch.hpp"
#include "messenger.hpp"

namespace {

using namespace bulkhead::bench;
using namespace bulkhead::bench::peers;

struct Order {
    std::size_t size = 0;
    std::size_t warm_up = 0;
    std::size_t samples = 0;
    long rest_us = 0;
};

std::istream& operator>>(std::istream& stream, Order& order) {
    return stream >> order.size >> order.warm_up >> order.samples >> order.rest_us;
}

Samples measure(const Order& order, Messenger& messenger) {
    std::string request(order.size, 'x');
    const auto once = [&] {
        ++request.front();
        const std::string_view reply = messenger.round_trip(request);
        if (reply.size() != request.size() || reply.front() != request.front() || reply.back() != request.back()) {
            throw std::runtime_error("its echo is not the request");
        }
    };
    time_each(order.warm_up, once);
    return order.rest_us == 0 ? time_each(order.samples, once)
                              : time_each_after_rest(order.samples, std::chrono::microseconds(order.rest_us), once);
}

void serve_orders(Messenger& messenger) {
    messenger.hold();
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        Order order;
        if (!(std::istringstream(line) >> order)) {
            throw std::runtime_error("an order is not understood: " + line);
        }
        messenger.resume();
        const Samples samples = measure(order, messenger);
        messenger.hold();
        for (const auto sample : samples.values()) {
            std::cout << sample.count() << ' ';
        }
        std::cout << std::endl;
    }
    messenger.resume();  // it may hold a lock that our end needs
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: %s spins|sleeps CALLING_CORE ANSWERING_CORE LARGEST\n", argv[0]);
        return 2;
    }
    // From a terminal it reaches all of us at once; bulkhead-bench's end then ends us in order.
    ::signal(SIGINT, SIG_IGN);
    try {
        const Setup setup{std::string(argv[1]) == "spins" ? Waiting::spins : Waiting::sleeps, std::stoi(argv[3]),
                          std::stoul(argv[4])};
        const PinnedThread pinned(std::stoi(argv[2]));  // before the peer starts threads
        const auto messenger = make_messenger(setup);
        serve_orders(*messenger);
        return 0;
    } catch (const std::exception& error) {
        std::cout << "failed: " << error.what() << std::endl;
        return 1;
    }
}
