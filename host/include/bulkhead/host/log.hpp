// What plugins print and log, on its way to the server's own log.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bulkhead {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

enum class LogSource : std::uint8_t {
    output,  // a line of the worker's stdout or stderr
    plugin,  // the plugin's call to the log service
    host,    // the host about the plugin: restarts, reports
};

struct LogLine {
    std::string plugin;
    LogSource source = LogSource::output;
    LogLevel level = LogLevel::info;
    std::string text;  // without line end; long lines are cut
    // Lines of this plugin that were lost right before this one, because plugin or hook was too fast or too slow.
    std::uint64_t dropped_before = 0;
};

// Called where HostOptions::callback_executor says, the lines of a plugin one after the other. When it blocks, lines
// are dropped and counted, and what runs on the same thread waits: the other hooks, reports on their way to their
// folder, handlers without an executor of their own. Calls and restarts do not.
using LogHook = std::function<void(const LogLine&)>;

}  // namespace bulkhead
