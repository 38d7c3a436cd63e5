// Waiting for descriptors and for what is due.
#pragma once

#include <poll.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <span>

namespace bulkhead::worker {

// As poll(), but at the latest until the first of these times; those that are empty do not count.
int poll_until(std::span<pollfd> events,
               std::initializer_list<std::optional<std::chrono::steady_clock::time_point>> due) noexcept;

}  // namespace bulkhead::worker
