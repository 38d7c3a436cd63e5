#include "content_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace bulkhead::detail {

std::uint64_t content_hash(std::span<const std::byte> bytes) noexcept {
    return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace bulkhead::detail
