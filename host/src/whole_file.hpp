// Reads a file that somebody named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "bulkhead/host/error.hpp"

namespace bulkhead::detail {

// All its bytes. Fails with `invalid_argument` and a sentence that names the file when it cannot be read, is no regular
// file (a pipe would be waited for) or is larger than `limit`.
result<std::string> read_whole_file(const std::filesystem::path& file, std::uint64_t limit);

// Its first bytes, or all when it has fewer. Fails in the same way.
result<std::string> read_file_start(const std::filesystem::path& file, std::size_t size);

}  // namespace bulkhead::detail
