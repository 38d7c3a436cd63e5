// Finding and ending the children of this process, also those it never made but adopted.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <span>

namespace bulkhead::worker {

// After a death, until this process looks for children that it adopted: a burst of deaths costs one look, not one each.
inline constexpr std::chrono::milliseconds kSweepDelay{20};

// Sends SIGKILL to every child of this process but those that are spared, which are sorted. Returns how many got it;
// they can be reaped. Only for a process with one thread. Only this process reaps its children, so a pid cannot change
// its owner in between.
std::size_t kill_children(std::span<const pid_t> spared) noexcept;

// Ends and reaps every child, and the children's children, which become ours as they are orphaned. Returns when none
// is left. Needs adopt_orphans().
void end_all_children() noexcept;

}  // namespace bulkhead::worker
