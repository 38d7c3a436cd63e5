// The one instance of the plugin that a worker runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "bulkhead/plugin/plugin.h"
#include "plugin_table.hpp"
#include "refusal.hpp"

namespace bulkhead::worker {

// Enters the plugin for everything but services. Owned by the worker; [main-thread]. What the plugin throws is not
// caught, so that the process dies where it was thrown.
class PluginInstance {
  public:
    // `running`: where the host is told which function it is that no call runs.
    PluginInstance(PluginTable table, std::atomic<std::uint64_t>& running)
        : table_(std::move(table)), running_(running) {}

    const std::vector<bulkhead_method>& methods() const noexcept { return table_.methods; }

    std::optional<Refusal> create(const bulkhead_services& services, std::string_view config) noexcept;
    bool has_activate() const noexcept { return table_.functions.activate != nullptr; }
    bool has_state() const noexcept { return table_.functions.save != nullptr; }
    std::uint32_t state_version() const noexcept { return table_.functions.state_version; }

    std::optional<Refusal> load(std::uint32_t version, std::span<const std::byte> state) noexcept;
    std::optional<Refusal> activate() noexcept;
    void run(std::size_t method, bulkhead_call* call, bulkhead_bytes request) const noexcept {
        table_.methods[method].run(instance_, call, request);
    }
    // `state` is only handed through to services.write_state.
    std::optional<Refusal> save(bulkhead_state* state) const noexcept;
    void deactivate() noexcept;
    void destroy() noexcept;

  private:
    PluginTable table_;
    std::atomic<std::uint64_t>& running_;
    void* instance_ = nullptr;
};

}  // namespace bulkhead::worker
