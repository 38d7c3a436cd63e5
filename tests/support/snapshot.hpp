// What a process holds that a leak would add to.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace bulkhead::tests {

// Taken of the own process. Value type.
struct Snapshot {
    std::map<int, std::string> descriptors;  // and what they are
    std::size_t threads = 0;
    std::size_t children = 0;             // dead ones that nobody reaped included
    std::size_t orphans = 0;              // of this process, where main adopts them: see adoption.hpp
    std::set<std::string> shared_memory;  // names in /dev/shm that are ours, or that this process has mapped
    std::size_t segments = 0;             // of ours that are mapped
    std::size_t resident = 0;             // bytes

    static Snapshot take();

    // What is there now and was not there then, as text; empty: nothing. Waits a little, because a thread or a child
    // may be on its way out. Memory is not looked at: see growth().
    std::string leftovers() const;
    // By how many bytes more the process is resident now.
    std::size_t growth() const;
};

}  // namespace bulkhead::tests
