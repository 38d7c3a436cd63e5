#include "content_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fstream>
#include <system_error>
#include <vector>

namespace bulkhead::detail {

std::uint64_t content_hash(std::span<const std::byte> bytes) noexcept {
    return XXH3_64bits(bytes.data(), bytes.size());
}

std::optional<std::uint64_t> content_hash_of(const std::filesystem::path& file) {
    constexpr std::size_t kPiece = std::size_t{64} << 10;
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) {  // a pipe would be waited for
        return std::nullopt;
    }
    std::ifstream stream(file, std::ios::binary);
    std::vector<char> piece(kPiece);
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    while (stream) {
        stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
        XXH3_64bits_update(&state, piece.data(), static_cast<std::size_t>(stream.gcount()));
    }
    return stream.eof() ? std::optional(XXH3_64bits_digest(&state)) : std::nullopt;
}

}  // namespace bulkhead::detail
