// What tells one content of a library from another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bulkhead::detail {

// XXH3 with 64 bits: quick, and no two builds of a library have the same by accident.
std::uint64_t content_hash(std::span<const std::byte> bytes) noexcept;

}  // namespace bulkhead::detail
