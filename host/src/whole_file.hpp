// Reads a file that somebody named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "bulkhead/host/error.hpp"

namespace bulkhead::detail {

// All its bytes. Fails with `invalid_argument` and a sentence that names the file when it cannot be read, is no regular
// file (a pipe would be waited for) or is larger than `limit`.
result<std::string> read_whole_file(const std::filesystem::path& file, std::uint64_t limit);

}  // namespace bulkhead::detail
