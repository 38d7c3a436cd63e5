// Deaths that a test brings about.
#pragma once

#include <string_view>

#include "support/service.hpp"

namespace bulkhead::tests {

// The report of the death that the call brings about, as the hook gets it. The test ends when there is none.
Report report_of(const Service& service, std::string_view method, std::string_view request = "");

}  // namespace bulkhead::tests
