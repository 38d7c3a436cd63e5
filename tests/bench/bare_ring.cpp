#include "bare_ring.hpp"

#include <cstring>

namespace bulkhead::bench {
namespace {

using transport::Message;
using transport::RingReader;
using transport::RingWriter;
using transport::Slot;

constexpr std::size_t kRingSize = BareRing::kSlots * sizeof(Slot);

Slot* requests_in(const SharedMemory& memory) { return &memory.at<Slot>(); }
Slot* replies_in(const SharedMemory& memory) { return &memory.at<Slot>(kRingSize); }

void answer(const SharedMemory& memory) {
    RingReader requests(requests_in(memory), BareRing::kSlots);
    RingWriter replies(replies_in(memory), BareRing::kSlots);
    for (Message message;;) {
        if (requests.take(message) == RingReader::Take::message) {
            replies.publish(message);
        }
    }
}

}  // namespace

BareRing::BareRing(int core)
    : memory_(2 * kRingSize),
      peer_(core, [this] { answer(memory_); }),
      requests_(requests_in(memory_), kSlots),
      replies_(replies_in(memory_), kSlots) {}

void BareRing::echo(std::uint64_t messages, std::uint64_t window) {
    Message request;
    request.length = kPayload;
    std::memset(request.inline_bytes, 'x', kPayload);
    Message reply;
    const std::uint64_t end = replies_.position() + messages;
    while (replies_.position() < end) {
        if (requests_.head() < end && requests_.head() < replies_.position() + window) {
            request.call_id = requests_.head();
            requests_.publish(request);
        }
        while (replies_.take(reply) == RingReader::Take::message) {
        }
    }
}

}  // namespace bulkhead::bench
