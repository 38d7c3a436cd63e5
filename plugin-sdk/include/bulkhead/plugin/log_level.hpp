// How much a log line matters.
#pragma once

#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin {

enum class LogLevel {
    debug = BULKHEAD_LOG_DEBUG,
    info = BULKHEAD_LOG_INFO,
    warning = BULKHEAD_LOG_WARNING,
    error = BULKHEAD_LOG_ERROR,
};

}  // namespace bulkhead::plugin
