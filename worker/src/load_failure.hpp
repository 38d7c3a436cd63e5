// Turns what the dynamic loader says into a sentence about the plugin.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace bulkhead::worker {

// From the path that the loader was given ("/proc/self/fd/7") to the library's file name.
using LibraryNames = std::map<std::string, std::string>;

// `library` is the file name of the one that was being loaded, `message` what dlerror() said.
std::string explain_load_failure(std::string_view library, std::string_view message, const LibraryNames& names);

}  // namespace bulkhead::worker
