// How a plugin is doing.
#pragma once

#include <cstdint>

namespace bulkhead {

enum class PluginState : std::uint8_t {
    starting,     // no worker serves right now; the next one is on its way
    serving,      // a worker serves
    unavailable,  // given up: it died too often
    stopped,      // it was unloaded, or the host is gone
};

// A snapshot: the next moment may be another. Value type.
struct PluginStatus {
    PluginState state = PluginState::stopped;
    std::uint32_t incarnation = 0;  // of the worker that serves; 0: none does
    // Of the worker that serves, to look at it with ps or a debugger; 0: none does. Not for signals: by then the
    // number may be another process's.
    std::int64_t worker_pid = 0;
};

}  // namespace bulkhead
