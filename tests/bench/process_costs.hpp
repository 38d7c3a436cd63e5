// What processes take from the machine, from /proc.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bulkhead::bench {

// This process, its children, theirs, and so on.
std::vector<pid_t> whole_family();

// Memory in KiB, of which pages that several processes map count in parts (PSS). One that is gone has none.
std::uint64_t memory_kib(const std::vector<pid_t>& processes);

// Time that all threads of these processes ran so far, the calling thread aside.
std::chrono::nanoseconds cpu_time(const std::vector<pid_t>& processes);

// Those of this process.
std::size_t open_descriptors();

}  // namespace bulkhead::bench
