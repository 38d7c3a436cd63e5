#include "echo_host.hpp"

#include <cstring>
#include <stdexcept>
#include <utility>

namespace bulkhead::bench {
namespace {

template <typename T>
T value_of(result<T> outcome) {
    if (!outcome) {
        throw std::runtime_error(outcome.error().message);
    }
    return *std::move(outcome);
}

Host make_host() {
    HostOptions options;
    options.worker = BULKHEAD_BENCH_WORKER;
    return value_of(Host::create(std::move(options)));
}

}  // namespace

EchoHost::EchoHost() : host_(make_host()), plugin_(value_of(host_.load(BULKHEAD_BENCH_ECHO))) {}

void EchoHost::echo(std::string_view request) const {
    const Bytes reply = value_of(plugin_.call("echo", request));
    if (reply.size() != request.size()) {
        throw std::runtime_error("an echo has another length than its request");
    }
}

pid_t EchoHost::worker() const {
    const Bytes reply = value_of(plugin_.call("pid", ""));
    pid_t pid = 0;
    if (reply.size() != sizeof pid) {
        throw std::runtime_error("the worker's answer is no pid");
    }
    std::memcpy(&pid, reply.data(), sizeof pid);
    return pid;
}

}  // namespace bulkhead::bench
