// What a host might leave behind.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "support/processes.hpp"

namespace bulkhead::demo {

// What this process has and has started, at one moment. Value.
struct Surroundings {
    std::vector<tests::ProcessStatus> processes;  // descendants
    std::set<std::string> descriptors;            // "7 -> socket:[1234]"
    std::size_t threads = 0;                      // of this process
    std::set<std::string> named_memory;           // of this user in /dev/shm
    std::size_t mapped_memory = 0;                // memory files that this process maps

    static Surroundings look();

    // Nothing is here that was not there before.
    bool adds_nothing_to(const Surroundings& before) const;
    // One line each for what is here and was not there.
    std::vector<std::string> added_to(const Surroundings& before) const;
};

}  // namespace bulkhead::demo
