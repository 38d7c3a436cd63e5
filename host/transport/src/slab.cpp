#include "bulkhead/transport/slab.hpp"

#include <algorithm>
#include <cassert>

namespace bulkhead::transport {

Slab::Slab(std::uint64_t size, std::size_t blocks) : size_(size), limit_(blocks) { used_.reserve(blocks); }

std::optional<std::uint64_t> Slab::allocate(std::uint64_t size) {
    if (used_.size() == limit_ || size > size_) {
        return std::nullopt;
    }
    const std::uint64_t wanted =
        (std::max<std::uint64_t>(size, 1) + kSlabAlignment - 1) / kSlabAlignment * kSlabAlignment;
    std::uint64_t gap = 0;
    auto next = used_.begin();
    while (next != used_.end() && next->offset - gap < wanted) {
        gap = next->offset + next->size;
        ++next;
    }
    if (size_ - gap < wanted) {
        return std::nullopt;
    }
    used_.insert(next, Extent{gap, wanted});
    in_use_ += wanted;
    return gap;
}

void Slab::free(std::uint64_t offset) {
    const auto found =
        std::lower_bound(used_.begin(), used_.end(), offset,
                         [](const Extent& extent, std::uint64_t value) { return extent.offset < value; });
    assert(found != used_.end() && found->offset == offset);
    in_use_ -= found->size;
    used_.erase(found);
}

}  // namespace bulkhead::transport
