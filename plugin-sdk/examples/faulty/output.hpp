// Methods that print and log.
#pragma once

#include <string>
#include <string_view>

#include "bulkhead/plugin/call.hpp"

namespace faulty {

// Writes the request and a newline to stdout and to stderr.
void print(std::string_view request);
// Request: how many lines "line <i>", from 0, to write to stdout.
void flood(std::string_view request);
// Request: "level text", with debug, info, warning or error. Logs the text.
void log(std::string_view request, bulkhead::plugin::Call& call);

}  // namespace faulty
