// What is measured.
#pragma once

#include <sys/types.h>

#include <bulkhead/host/host.hpp>
#include <string_view>

namespace bulkhead::bench {

// A host with the bench_echo plugin, as any server would have it. Move-only. Its functions throw std::runtime_error,
// with the host's sentence, when a call fails.
class EchoHost {
  public:
    EchoHost();

    const Plugin& plugin() const noexcept { return plugin_; }
    void echo(std::string_view request) const;
    // Who serves now.
    pid_t worker() const;

  private:
    Host host_;
    Plugin plugin_;
};

}  // namespace bulkhead::bench
