// The processor's own counter of time.
#pragma once

#include <cstdint>

namespace bulkhead::detail {

// Whether it runs at one speed on all cores, also while they sleep, as far as the kernel trusts it itself.
bool ticks_are_steady() noexcept;

// Any thread. Zero where there is no such counter.
std::uint64_t read_ticks() noexcept;

}  // namespace bulkhead::detail
