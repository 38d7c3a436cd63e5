// A report for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "bulkhead/host/error.hpp"
#include "bulkhead/host/export.hpp"
#include "bulkhead/host/report.hpp"

namespace bulkhead {

// Members without a value are left out; times are in milliseconds, addresses numbers. Texts of the plugin may not be
// UTF-8: dump it with error_handler_t::replace.
BULKHEAD_HOST_EXPORT nlohmann::json to_json(const Report& report);

// The same report again. Fails with `invalid_argument` and a sentence that names the member which is missing or cannot
// be. Members that it does not know are passed over.
BULKHEAD_HOST_EXPORT result<Report> report_from_json(const nlohmann::json& json);

}  // namespace bulkhead
