// What a plugin would need permissions for, as far as its imported symbols tell.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace bulkhead::cli {

// What is needed, such as "files", and the symbols that say so.
using Needs = std::map<std::string, std::vector<std::string>>;

// Of the symbols that a library imports. A hint and no proof: what the system's libraries do on their own does not
// show, and neither do system calls made without a function.
Needs needs_of(const std::vector<std::string>& imports);

}  // namespace bulkhead::cli
