// What a throw-away worker says about a stack.
#pragma once

#include <string_view>
#include <vector>

#include "bulkhead/host/report.hpp"

namespace bulkhead::detail {

// Fills backtrace and backtrace_note. False: it is not what an explainer says, and the report is as before. Every byte
// is hostile.
bool read_explanation(std::string_view answer, const std::vector<Module>& modules, Report& report);

}  // namespace bulkhead::detail
