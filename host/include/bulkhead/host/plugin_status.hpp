// How a plugin is doing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bulkhead/host/export.hpp"

namespace bulkhead {

struct Report;

enum class PluginState : std::uint8_t {
    starting,  // no worker serves right now; the next one is on its way, and calls wait for it
    running,   // a worker serves
    backoff,   // its workers died without serving; the next one is started a little later
    stopping,  // its worker is ending in order
    stopped,   // it was stopped or unloaded, its policy lets it rest, or the host is gone
    fatal,     // given up: it died too often, or cannot be started. Plugin::reset() begins anew
};

BULKHEAD_HOST_EXPORT std::string_view to_string(PluginState state) noexcept;

// A snapshot: the next moment may be another. Value type.
struct PluginStatus {
    PluginState state = PluginState::stopped;
    std::uint32_t incarnation = 0;  // of the worker that serves; 0: none does
    // Of the worker that serves, to look at it with ps or a debugger; 0: none does. Not for signals: by then the
    // number may be another process's.
    std::int64_t worker_pid = 0;
    bool standby_ready = false;                                     // supervision.standby: it could take over now
    std::optional<std::chrono::steady_clock::time_point> next_try;  // in backoff: when the next worker is started
};

// A step in the life of a plugin. `from` equals `to` when another worker took over without a break, when it is loaded,
// and when it is told to stop or unloaded although that is what it does or is already.
struct PluginEvent {
    std::string plugin;
    PluginState from = PluginState::stopped;
    PluginState to = PluginState::stopped;
    std::uint32_t incarnation = 0;         // of the worker that serves afterwards; 0: none
    std::string reason;                    // one clause, such as "a standby took over"
    std::shared_ptr<const Report> report;  // of the death behind it, if there was one and it is known already
};

// Called on the host's callback executor, in the order of the events of one plugin.
using EventHook = std::function<void(const PluginEvent&)>;

}  // namespace bulkhead
