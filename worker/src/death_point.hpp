// Named steps at which tests let a worker die.
#pragma once

#include <cstdint>

namespace bulkhead::worker {

#ifdef BULKHEAD_DEATH_POINTS  // bulkhead-worker-with-death-points, a program of the tests

// Reads what the order's environment says: BULKHEAD_DIE_AT, "name" or "name:N" for the N-th time that the step is
// passed in this process, and BULKHEAD_DIE_IN, the incarnation that is to die, 1 when absent, 0 for each. Once, before
// threads.
void arm_death_points(std::uint32_t incarnation) noexcept;

// Does not return where and when this worker is to die: SIGKILL. Any thread.
void death_point(const char* name) noexcept;

#else

inline void arm_death_points(std::uint32_t) noexcept {}
inline void death_point(const char*) noexcept {}

#endif

}  // namespace bulkhead::worker
