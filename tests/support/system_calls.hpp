// Counts system calls.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace bulkhead::tests {

// How many the calling thread and the main thread of `other` make together while `run` runs. Empty: the kernel does
// not let us count (it takes tracefs, and the right to use trace points).
std::optional<std::uint64_t> system_calls_during(pid_t other, const std::function<void()>& run);

}  // namespace bulkhead::tests
