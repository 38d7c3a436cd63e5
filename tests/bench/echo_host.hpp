// What is measured.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <bulkhead/host/host.hpp>
#include <cstdint>
#include <memory>
#include <string_view>

#include "fault_clock.hpp"

namespace bulkhead::bench {

// A host with the bench_echo plugin, as any server would have it. Move-only. Its functions throw std::runtime_error,
// with the host's sentence, when a call fails.
class EchoHost {
  public:
    EchoHost() : EchoHost("{}") {}
    // With a JSON patch of its manifest.
    explicit EchoHost(std::string_view changes);

    const Plugin& plugin() const noexcept { return plugin_; }
    void echo(std::string_view request) const;
    // Another plugin in the same host: bench_echo under the name "neighbour".
    Plugin add_neighbour();
    // Has the worker fault. Does not wait for what becomes of that call.
    void crash() const;
    // When it did.
    Clock::time_point fault() const { return clock_.fault(); }
    // Who serves now.
    pid_t worker() const;
    // How many deaths were reported. Calls without pause until that is `count`.
    std::uint64_t reports() const noexcept { return *reports_; }
    void call_until_reports(std::uint64_t count) const;

  private:
    mutable FaultClock clock_;
    std::shared_ptr<std::atomic<std::uint64_t>> reports_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    Host host_;
    Plugin plugin_;
    Method echo_;
};

}  // namespace bulkhead::bench
