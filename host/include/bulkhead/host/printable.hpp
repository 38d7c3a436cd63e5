// Text of a plugin, fit for a terminal and a log.
#pragma once

#include <string>
#include <string_view>

#include "bulkhead/host/export.hpp"

namespace bulkhead {

// The text with `instead` for what a terminal might obey or show as something else: control characters but those in
// `kept` (ASCII), marks that turn the direction of text around, and bytes that are not UTF-8.
BULKHEAD_HOST_EXPORT std::string printable(std::string_view text, char instead, std::string_view kept = {});

}  // namespace bulkhead
