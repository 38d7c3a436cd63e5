// Methods that use up memory.
#pragma once

#include <string>
#include <string_view>

namespace faulty {

// Request: how many bytes to take and never give back. Answers the same number.
std::string leak(std::string_view request);
// Request: how many bytes at most. Takes and touches memory until there is none, which throws std::bad_alloc or
// gets the process killed; gives all back and answers the number when there was that much.
std::string allocate(std::string_view request);

}  // namespace faulty
