// A server with much resident memory: what it costs to make a host and to restart a worker must not grow with it.
// Argument: how many MiB.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "programs/server.hpp"

using namespace bulkhead::programs;

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

Milliseconds time_to_make_a_host() {
    const auto begin = Clock::now();
    const auto host = make_host();
    return Clock::now() - begin;
}

// The median time from a crash to the next good reply.
Milliseconds time_to_recover(const bulkhead::Plugin& plugin) {
    std::vector<Milliseconds> times;
    for (int crash = 0; crash < 31; ++crash) {
        const auto begin = Clock::now();
        expect(plugin.call("segfault", "").has_error(), "a crash is no error");
        expect_echo(plugin, "back");
        times.push_back(Clock::now() - begin);
    }
    std::nth_element(times.begin(), times.begin() + 15, times.end());
    return times[15];
}

void grow(std::size_t bytes) {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(memory != MAP_FAILED, "there is not so much memory");
    std::memset(memory, 1, bytes);
}

}  // namespace

int main(int, char** arguments) {
    const Milliseconds host_before = time_to_make_a_host();
    auto host = make_host();
    const auto plugin = load(host, "faulty", kTireless);
    const Milliseconds recovery_before = time_to_recover(plugin);
    grow(std::strtoull(arguments[1], nullptr, 10) << 20);
    const Milliseconds recovery_after = time_to_recover(plugin);
    const Milliseconds host_after = time_to_make_a_host();
    say("recovery ms: " + std::to_string(recovery_before.count()) + " before, " +
        std::to_string(recovery_after.count()) + " after");
    say("host ms: " + std::to_string(host_before.count()) + " before, " + std::to_string(host_after.count()) +
        " after");
    expect(recovery_after.count() < 3 * recovery_before.count() + 5, "restarts cost more in a large server");
    expect(host_after.count() < 1000, "a host takes too long to make in a large server");
    say("done");
}
