// Many plugins in one host.
#pragma once

#include <bulkhead/host/host.hpp>
#include <cstddef>
#include <string_view>
#include <vector>

namespace bulkhead::bench {

// A host with so many plugins, all of the bench_echo library, with the limits that a manifest has when it names none.
// Its functions throw std::runtime_error, with the host's sentence, when something fails.
class Crowd {
  public:
    // Loads them one after the other. Each is ready then.
    explicit Crowd(std::size_t size);

    std::size_t size() const noexcept { return plugins_.size(); }
    void echo(std::size_t plugin, std::string_view request) const;
    // Ties the workers to a core.
    void pin_workers(int core) const;

  private:
    Host host_;
    std::vector<Plugin> plugins_;
};

// Lets this process have so many descriptors, if the machine allows it. Throws std::runtime_error otherwise.
void allow_descriptors(std::size_t count);

}  // namespace bulkhead::bench
