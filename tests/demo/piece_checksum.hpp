// The checksum of some bytes, as the library and as the plugin says it.
#pragma once

#include <bulkhead/host/bytes.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "checksum.h"

namespace bulkhead::demo {

// By the untouched library, in this process.
inline std::uint32_t checksum_of(std::span<const std::byte> bytes) {
    return ::checksum(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

// The plugin answers with four bytes, least significant first.
inline bool is_checksum(const Bytes& reply, std::uint32_t sum) {
    if (reply.size() != 4) {
        return false;
    }
    for (unsigned index = 0; index < 4; ++index) {
        if (reply.view()[index] != static_cast<std::byte>(sum >> (8 * index))) {
            return false;
        }
    }
    return true;
}

}  // namespace bulkhead::demo
