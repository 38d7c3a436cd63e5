#include "tick_counter.hpp"

namespace bulkhead::detail {

bool ticks_are_steady() noexcept { return false; }

std::uint64_t read_ticks() noexcept { return 0; }

}  // namespace bulkhead::detail
