#include "crowd.hpp"

#include <sys/resource.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "cores.hpp"

namespace bulkhead::bench {
namespace {

constexpr std::size_t kDescriptorsEach = 8;  // with room to spare
constexpr std::size_t kOtherDescriptors = 100;

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

ManifestText manifest_of(std::size_t plugin) {
    return {R"({"name": "echo)" + std::to_string(plugin) +
                R"(", "version": "1.0.0", "library": "libbench_echo.so", "state": {"every_calls": 0}})",
            BULKHEAD_BENCH_ECHO};
}

}  // namespace

Crowd::Crowd(std::size_t size) : host_(make_host()) {
    allow_descriptors(size * kDescriptorsEach + kOtherDescriptors);
    plugins_.reserve(size);
    for (std::size_t plugin = 0; plugin < size; ++plugin) {
        plugins_.push_back(value_of(host_.load(manifest_of(plugin))));
    }
}

void Crowd::echo(std::size_t plugin, std::string_view request) const {
    const Bytes reply = value_of(plugins_[plugin].call("echo", request));
    if (reply.size() != request.size()) {
        throw std::runtime_error("an echo has another length than its request");
    }
}

void Crowd::pin_workers(int core) const {
    for (const Plugin& plugin : plugins_) {
        pin_process(static_cast<pid_t>(plugin.status().worker_pid), core);
    }
}

void allow_descriptors(std::size_t count) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= count) {
        return;
    }
    if (limit.rlim_max < count) {
        throw std::runtime_error("it needs " + std::to_string(count) + " descriptors, and this user may have " +
                                 std::to_string(limit.rlim_max) + ": raise the limit, see ulimit -Hn");
    }
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        throw std::runtime_error("the limit of descriptors cannot be raised to " + std::to_string(limit.rlim_max));
    }
}

}  // namespace bulkhead::bench
