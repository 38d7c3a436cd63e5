// Libraries that are in use, by content.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <system_error>
#include <unordered_map>

#include "bulkhead/host/inspection.hpp"

namespace bulkhead::detail {

// A library as it was when it was read: later changes on disk do not reach it. Immutable.
struct SealedLibrary {
    transport::Descriptor file;  // sealed
    std::uint64_t size = 0;
    std::uint64_t hash = 0;   // content_hash() of its bytes
    LibraryInspection facts;  // without the name of the file
};

using LibraryRef = std::shared_ptr<const SealedLibrary>;

inline constexpr int kTooShort = ENODATA;

// Fills `bytes` with those from this position on. kTooShort: there are not so many.
std::error_code read_at(const transport::Descriptor& file, std::uint64_t position, std::span<std::byte> bytes);

// Plugins of one library share its sealed copy, its pages in memory, and its inspection. Keeps nothing alive. Any
// thread.
class LibraryStore {
  public:
    // One with exactly the bytes of this file, which has `size`; or null.
    LibraryRef find(const transport::Descriptor& file, std::uint64_t size) const;
    void add(const LibraryRef& library);

  private:
    mutable std::mutex mutex_;
    std::unordered_multimap<std::uint64_t, std::weak_ptr<const SealedLibrary>> libraries_;  // by size
};

}  // namespace bulkhead::detail
