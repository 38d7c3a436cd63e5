// What a test sees of a plugin: how its calls ended and what it logged.
#pragma once

#include <cstdint>
#include <string>

#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin::testing {

// How a call ended.
struct Answer {
    enum class Kind {
        reply,           // `text` is the reply's bytes
        error,           // the plugin failed it: `number` and `text` are the plugin's own
        too_large,       // the reply, or the request, was over the manifest's limits.payload
        timed_out,       // there was no answer by the deadline
        cancelled,       // the test gave up
        no_such_method,  // the plugin has no method of that name
        crashed,         // sandbox only: the worker died while it ran the call; in-process the test dies
        refused,         // sandbox only: another error of the host
    };
    Kind kind = Kind::reply;
    std::int32_t number = 0;  // of an error
    std::string text;         // the reply, the error's text, or one sentence about what happened
};

struct LogLine {
    bulkhead_log_level level;
    std::string text;
};

}  // namespace bulkhead::plugin::testing
