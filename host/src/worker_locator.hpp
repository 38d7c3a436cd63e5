// Where the worker executable is.
#pragma once

#include <filesystem>

#include "bulkhead/host/error.hpp"

namespace bulkhead::detail {

// The chosen path if there is one; else $BULKHEAD_WORKER; else bulkhead-worker beside the library or program that
// contains the host, in ../bin, or in the installation's libexec/bulkhead. The error lists where it looked.
result<std::filesystem::path> locate_worker(const std::filesystem::path& chosen);

}  // namespace bulkhead::detail
