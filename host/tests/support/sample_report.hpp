// A report with something in every member.
#pragma once

#include "bulkhead/host/report.hpp"

namespace bulkhead::testing {

// Of the third life of the plugin `resizer`, which crashed in its method `resize`.
Report sample_report();

}  // namespace bulkhead::testing
