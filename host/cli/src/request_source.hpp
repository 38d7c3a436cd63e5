// Where the bytes of a request come from.
#pragma once

#include <cstdint>
#include <string>

namespace bulkhead::cli {

// All of the file, or of standard input for "-", but at most `limit` bytes. Throws Failure when it cannot be read or
// is larger; so an endless file is no trouble.
std::string read_request(const std::string& file, std::uint64_t limit);

}  // namespace bulkhead::cli
