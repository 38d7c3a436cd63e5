// The one plugin code that knows the layout of a channel, because to break its rules one has to know them. It takes
// nothing else from the transport: a header of constants and plain structs.
#include "faulty_liar.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "arguments.hpp"
#include "crashes.hpp"
#include "hangs.hpp"
#include "worker_channel.hpp"

namespace faulty {

using bulkhead::plugin::Call;
using bulkhead::plugin::Error;
using bulkhead::plugin::LogLevel;
using bulkhead::transport::Kind;
using bulkhead::transport::SlabReference;
using bulkhead::transport::Slot;

namespace {

constexpr std::string_view kLie = "a lie";

// Fills the slot with what would be a good reply to the running call.
void write_honest_reply(const WorkerChannel& channel, Slot& slot) {
    slot.call_id = channel.current_request().call_id;
    slot.incarnation = channel.header().incarnation;
    slot.kind = static_cast<std::uint8_t>(Kind::reply);
    slot.flags = 0;
    slot.method = channel.current_request().method;
    slot.length = static_cast<std::uint32_t>(kLie.size());
    slot.status = 0;
    slot.deadline = 0;
    std::memcpy(slot.inline_bytes, kLie.data(), kLie.size());
}

// Makes sure that the host looks, however it waits, and leaves the rest to it.
[[noreturn]] void wait_for_the_end(const WorkerChannel& channel, const Call& call) {
    channel.ring();
    call.log(LogLevel::info, "lied");  // a line in the log wakes a host that polls
    sleep_forever();
}

// Publishes an honest reply that `twist` made a lie.
template <class Twist>
[[noreturn]] void publish_lie(const Call& call, Twist&& twist) {
    const WorkerChannel channel = WorkerChannel::find();
    const std::uint64_t position = channel.next_reply_position();
    Slot& slot = channel.reply_slot(position);
    std::uint64_t sequence = position + 1;
    write_honest_reply(channel, slot);
    twist(slot, sequence, channel.geometry());
    slot.sequence.store(sequence, std::memory_order_release);
    wait_for_the_end(channel, call);
}

void put_in_slab(Slot& slot, std::uint64_t offset) {
    const SlabReference reference{offset};
    slot.flags = bulkhead::transport::kSlotInSlab;
    std::memcpy(slot.inline_bytes, &reference, sizeof(reference));
}

void require_one_of(std::string_view request, const char* method, std::string_view first, std::string_view second) {
    if (request != first && request != second) {
        throw Error(2, std::string(method) + " knows \"" + std::string(first) + "\" and \"" + std::string(second) +
                           "\", not \"" + std::string(request) + "\"");
    }
}

}  // namespace

void lie_unasked() {
    const WorkerChannel channel = WorkerChannel::find();
    channel.reply_slot(0).sequence.store(1, std::memory_order_release);
    channel.ring();
    sleep_forever();
}

void lie_sequence(Call& call) {
    publish_lie(call, [](Slot&, std::uint64_t& sequence, const auto& geometry) { sequence += geometry.reply_slots; });
}

void lie_kind(std::string_view request, Call& call) {
    const auto kind = request.empty() ? std::uint8_t{250} : parse_number<std::uint8_t>(request, "lie_kind");
    publish_lie(call, [kind](Slot& slot, std::uint64_t&, const auto&) { slot.kind = kind; });
}

void lie_call_id(std::string_view request, Call& call) {
    require_one_of(request, "lie_call_id", "index", "generation");
    publish_lie(call, [request](Slot& slot, std::uint64_t&, const auto&) {
        slot.call_id = request == "index" ? slot.call_id | 0xFFFF : slot.call_id + (std::uint64_t{1} << 40);
    });
}

void lie_incarnation(Call& call) {
    publish_lie(call, [](Slot& slot, std::uint64_t&, const auto&) { ++slot.incarnation; });
}

void lie_length(std::string_view request, Call& call) {
    require_one_of(request, "lie_length", "inline", "limit");
    publish_lie(call, [request](Slot& slot, std::uint64_t&, const auto& geometry) {
        if (request == "inline") {
            slot.length = bulkhead::transport::kInlineCapacity + 1;
        } else {
            slot.length = static_cast<std::uint32_t>(geometry.payload_limit + 1);
            put_in_slab(slot, 0);
        }
    });
}

void lie_offset(std::string_view request, Call& call) {
    require_one_of(request, "lie_offset", "beyond", "overflow");
    publish_lie(call, [request](Slot& slot, std::uint64_t&, const auto& geometry) {
        slot.length = 4096;
        put_in_slab(slot, request == "beyond" ? geometry.reply_slab_size : ~std::uint64_t{0} - 255);
    });
}

void double_reply(Call& call) {
    const WorkerChannel channel = WorkerChannel::find();
    const std::uint64_t first = channel.next_reply_position();
    for (const std::uint64_t position : {first, first + 1}) {
        Slot& slot = channel.reply_slot(position);
        write_honest_reply(channel, slot);
        slot.sequence.store(position + 1, std::memory_order_release);
    }
    wait_for_the_end(channel, call);
}

void lie_begun(std::string_view request) {
    require_one_of(request, "lie_begun", "ahead", "behind");
    auto& begun = WorkerChannel::find().header().begun;
    begun.store(request == "ahead" ? begun.load() + 1'000'000 : 0);
    segfault();
}

std::string scribble(std::string_view request) {
    constexpr std::uint64_t kSlabPart = 65536;  // enough of the slab; it may be large and is not touched for nothing
    const WorkerChannel channel = WorkerChannel::find();
    std::mt19937_64 random(parse_number<std::uint64_t>(request, "scribble"));
    const auto& geometry = channel.geometry();
    const std::uint64_t size = std::min(geometry.reply_slab_offset + kSlabPart, geometry.worker_outbox_size);
    for (std::uint64_t words = 1 + random() % 4096; words > 0; --words) {
        const std::uint64_t word = random();
        std::memcpy(channel.outbox() + random() % (size - sizeof(word)), &word, sizeof(word));
    }
    return "scribbled";
}

}  // namespace faulty
