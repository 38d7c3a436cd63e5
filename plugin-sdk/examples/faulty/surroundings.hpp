// Methods that tell what the process looks like from inside, as text.
#pragma once

#include <map>
#include <string>

namespace faulty {

// The descriptors that are open, and what they are.
std::map<int, std::string> open_descriptors();

// Lines "<number> <what it is>", ascending, of the same.
std::string open_fds();
// Lines "NAME=value".
std::string environment();
std::string cwd();
std::string pid();
// Lines "<limit> <value>" with the manifest's names and "core"; "unlimited" when there is none.
std::string limits();
// "1" when the process cannot gain privileges.
std::string no_new_privs();
// Starts a process in a session of its own that sleeps for ten minutes; answers its pid.
std::string fork_child();

}  // namespace faulty
