// How soon a thread has a core when it wakes.
#pragma once

namespace bulkhead::worker {

// How long the calling thread runs in one piece beside others. One that wakes takes the core from a thread with a
// longer slice at once. Nobody's share of the processor changes. Inherited by threads and children. Linux 6.12; an
// older kernel pays no heed, nor does one that schedules the thread by another policy. Async-signal-safe.
enum class TimeSlice { usual, shortest, longest };
void set_time_slice(TimeSlice slice) noexcept;

}  // namespace bulkhead::worker
