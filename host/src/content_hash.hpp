// What tells one content of a library from another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace bulkhead::detail {

// XXH3 with 64 bits: quick, and no two builds of a library have the same by accident.
std::uint64_t content_hash(std::span<const std::byte> bytes) noexcept;

// The same of a file, which is read in pieces. Empty: it is no regular file, or cannot be read.
std::optional<std::uint64_t> content_hash_of(const std::filesystem::path& file);

}  // namespace bulkhead::detail
