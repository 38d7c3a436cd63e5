#include "echo_host.hpp"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
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

Host make_host(const std::shared_ptr<std::atomic<std::uint64_t>>& reports) {
    HostOptions options;
    options.on_death = [reports](const Report&) { ++*reports; };
    options.worker = BULKHEAD_BENCH_WORKER;
    return value_of(Host::create(std::move(options)));
}

ManifestText manifest_with(std::string_view changes, const std::string& fault_clock = "") {
    std::ifstream file(BULKHEAD_BENCH_ECHO "/plugin.json");
    nlohmann::json manifest = nlohmann::json::parse(file);
    manifest.merge_patch(nlohmann::json::parse(changes));
    if (!fault_clock.empty()) {
        manifest["config"] = {{"fault_clock", fault_clock}};
    }
    return {manifest.dump(), BULKHEAD_BENCH_ECHO};
}

}  // namespace

EchoHost::EchoHost(std::string_view changes)
    : host_(make_host(reports_)),
      plugin_(value_of(host_.load(manifest_with(changes, clock_.path())))),
      echo_(plugin_.method("echo")) {}

Plugin EchoHost::add_neighbour() { return value_of(host_.load(manifest_with(R"({"name": "neighbour"})"))); }

void EchoHost::echo(std::string_view request) const {
    const Bytes reply = value_of(echo_.call(request));
    if (reply.size() != request.size()) {
        throw std::runtime_error("an echo has another length than its request");
    }
}

void EchoHost::crash() const {
    clock_.reset();
    plugin_.async_call("segfault", "", {}, [](const result<Bytes>&) {});
}

void EchoHost::call_until_reports(std::uint64_t count) const {
    constexpr std::chrono::seconds kPatience{10};
    const auto begin = Clock::now();
    while (reports() < count) {
        if (Clock::now() > begin + kPatience) {
            throw std::runtime_error("a death is not reported");
        }
        echo("echo");
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
