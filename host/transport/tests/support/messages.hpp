// Messages with random content, and how to compare them.
#pragma once

#include <cstring>

#include "bulkhead/transport/ring.hpp"
#include "support/random.hpp"

namespace bulkhead::transport::testing {

// Any kind of message that a channel may carry: inline or with a slab reference, traced or not.
inline Message random_message(Random& random) {
    Message message;
    message.call_id = random.below(~std::uint64_t{0});
    message.incarnation = static_cast<std::uint32_t>(random.below(1000));
    message.kind = static_cast<std::uint8_t>(random.below(256));
    message.method = static_cast<std::uint16_t>(random.below(kMaxMethods));
    message.status = static_cast<std::int32_t>(random.below(100)) - 50;
    message.deadline = random.below(~std::uint64_t{0});
    for (std::byte& byte : message.inline_bytes) {
        byte = static_cast<std::byte>(random.below(256));
    }
    message.flags = random.chance(30) ? kSlotTraced : 0;
    if (random.chance(20)) {
        message.set_slab_offset(random.below(1000) * kSlabAlignment);
        message.length = static_cast<std::uint32_t>(random.between(message.inline_capacity() + 1, kMaxPayload));
    } else {
        message.length = static_cast<std::uint32_t>(random.between(0, message.inline_capacity()));
    }
    return message;
}

// All that a ring promises to carry is equal.
inline bool same_message(const Message& a, const Message& b) {
    return a.call_id == b.call_id && a.incarnation == b.incarnation && a.kind == b.kind && a.flags == b.flags &&
           a.method == b.method && a.length == b.length && a.status == b.status && a.deadline == b.deadline &&
           a.inline_size() == b.inline_size() && std::memcmp(a.inline_bytes, b.inline_bytes, a.inline_size()) == 0 &&
           (!a.traced() || std::memcmp(a.trace_id(), b.trace_id(), kTraceIdSize) == 0);
}

}  // namespace bulkhead::transport::testing
