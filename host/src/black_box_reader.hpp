// What a dead worker's crash handler wrote down, as a part of its report.
#pragma once

#include <bulkhead/transport/black_box.hpp>
#include <optional>

#include "bulkhead/host/report.hpp"

namespace bulkhead::detail {

// Nothing when no crash was recorded to its end. Every byte of the box is hostile: it is copied once, and numbers stay
// numbers. Supervisor thread, after the worker's death.
std::optional<Crash> read_black_box(const transport::BlackBox& box);

}  // namespace bulkhead::detail
