// How a finished report reaches those who want it.
#pragma once

#include <memory>

#include "bulkhead/host/report.hpp"
#include "runtime.hpp"

namespace bulkhead::detail {

// Returns at once; the hook of the options runs on the callback executor. Any thread.
void deliver_report(const Runtime& runtime, const std::shared_ptr<const Report>& report);

}  // namespace bulkhead::detail
