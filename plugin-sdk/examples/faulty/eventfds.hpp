// What a worker can do to an eventfd that it shares with the host.
#pragma once

#include <string>

namespace faulty {

// Makes each eventfd of the process blocking and fills its counter, so that the next who writes to it blocks. Answers
// how many there were.
std::string saturate_eventfds();

// Fills each pipe that it can write to without blocking, as far as anybody does not read it, and makes it blocking. How
// many they are.
std::string saturate_pipes();

}  // namespace faulty
