// Where the larger payloads of an outbox lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bulkhead/transport/layout.hpp"

namespace bulkhead::transport {

// Hands out blocks of a slab. The bookkeeping is private memory of the writer: nothing the peer does can break it.
// Always takes the lowest gap that fits, so little-used slabs touch little memory. Owned by the
// writer; one thread at a time. Costs a scan over the blocks in use, which are no more than calls in flight.
class Slab {
  public:
    Slab() = default;
    // `blocks` is how many may be in use at once; no memory is allocated later.
    Slab(std::uint64_t size, std::size_t blocks);

    // Offset of a block of at least `size` bytes (0 counts as 1), a multiple of kSlabAlignment. Empty: no room now.
    std::optional<std::uint64_t> allocate(std::uint64_t size);

    // Gives back a block that allocate() returned.
    void free(std::uint64_t offset);

    std::uint64_t bytes_in_use() const noexcept { return in_use_; }
    std::size_t blocks_in_use() const noexcept { return used_.size(); }
    std::uint64_t size() const noexcept { return size_; }

  private:
    struct Extent {
        std::uint64_t offset;
        std::uint64_t size;
    };
    std::uint64_t size_ = 0;
    std::uint64_t in_use_ = 0;
    std::size_t limit_ = 0;
    std::vector<Extent> used_;  // by offset
};

}  // namespace bulkhead::transport
