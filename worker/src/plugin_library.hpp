// Loads the plugin's library from the sealed copies that the host inspected.
#pragma once

#include <span>
#include <vector>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/transport/descriptor.hpp"
#include "load_failure.hpp"
#include "order.hpp"
#include "refusal.hpp"

namespace bulkhead::worker {

// What the loader will know the sealed copies as. `files` as below.
LibraryNames sealed_names(const Order& order, std::span<const transport::Descriptor> files);

// Loads the private dependencies bottom-up, then the library itself; all stay loaded until the process ends.
// `files` are the library's descriptor and those of order.dependencies. They are closed at the end, not one by one:
// glibc takes "/proc/self/fd/7" for the library it knows by that name, so no number may be used twice.
// Runs the libraries' constructors.
OrRefusal<bulkhead_plugin_function> load_library(const Order& order, std::vector<transport::Descriptor> files);

}  // namespace bulkhead::worker
