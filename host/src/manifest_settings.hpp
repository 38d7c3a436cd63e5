// A manifest's settings with nothing left out.
#pragma once

#include <string>

#include "manifest.hpp"

namespace bulkhead::detail {

// JSON text of `latency`, `limits`, `supervision` and `state` as plugin.json has them, with every default filled in.
// What is not limited, or never happens, has no member: there is no number for it.
std::string settings_of(const Manifest& manifest);

}  // namespace bulkhead::detail
