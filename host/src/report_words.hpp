// How a report says it.
#pragma once

#include <string>
#include <string_view>

#include "bulkhead/host/report.hpp"

namespace bulkhead::detail {

// Report::clause(), with `where` right behind the cause: "crashed with SIGSEGV (11) at 0, the null page while ...".
std::string clause_of(const Report& report, std::string_view where);
// Who died.
std::string subject_of(const Report& report);
// What it was at outside of calls: "in its save function while it was being stopped". Empty: nothing that is known.
std::string moment_of(const Report& report);

}  // namespace bulkhead::detail
