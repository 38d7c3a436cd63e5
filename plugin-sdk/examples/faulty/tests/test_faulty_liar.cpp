// What the liar's methods leave in the shared memory.
#include "faulty_liar.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <optional>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "fake_channel.hpp"
#include "victim.hpp"

using namespace bulkhead::transport;
using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::FakeWorker;
using faulty::FakeChannel;
using faulty::Victim;

namespace {

// Lets a child tell the lie and looks at the channel while the child waits to be ended.
void tell(const char* method, const char* request, const std::function<void(const FakeChannel&)>& look) {
    CAPTURE(method);
    CAPTURE(request);
    const FakeChannel channel;
    const Victim liar([&] {
        channel.enter();
        FakeWorker worker(bulkhead_plugin());
        worker.create();
        worker.call(method, request);
        return Victim::kReturned;
    });
    REQUIRE(channel.wait_for_bell());
    look(channel);
}

bool honest_but_for_its_lie(const Slot& slot) {
    return slot.call_id == FakeChannel::kCallId && slot.incarnation == FakeChannel::kIncarnation &&
           slot.kind == static_cast<std::uint8_t>(Kind::reply) && slot.method == 9 && slot.length <= kInlineCapacity;
}

std::uint64_t slab_offset(const Slot& slot) {
    SlabReference reference{};
    std::memcpy(&reference, slot.inline_bytes, sizeof(reference));
    return reference.offset;
}

constexpr std::uint64_t kNext = FakeChannel::kReplied;  // where the next reply belongs

}  // namespace

TEST_CASE("double_reply publishes two good replies to one call") {
    tell("double_reply", "", [](const FakeChannel& channel) {
        for (const std::uint64_t position : {kNext, kNext + 1}) {
            CHECK(channel.reply(position).sequence == position + 1);
            CHECK(honest_but_for_its_lie(channel.reply(position)));
        }
    });
}

TEST_CASE("lie_sequence publishes a reply of a later round") {
    tell("lie_sequence", "", [](const FakeChannel& channel) {
        CHECK(channel.reply(kNext).sequence == kNext + 1 + channel.geometry().reply_slots);
        CHECK(honest_but_for_its_lie(channel.reply(kNext)));
    });
}

TEST_CASE("lie_kind publishes a message of the wanted kind") {
    tell("lie_kind", "", [](const FakeChannel& channel) {
        CHECK(channel.reply(kNext).kind == 250);
        CHECK(channel.reply(kNext).sequence == kNext + 1);
    });
    tell("lie_kind", "80", [](const FakeChannel& channel) {
        CHECK(channel.reply(kNext).kind == static_cast<std::uint8_t>(Kind::host_call));
    });
}

TEST_CASE("lie_call_id answers a call that is not in flight") {
    tell("lie_call_id", "index", [](const FakeChannel& channel) {
        CHECK((channel.reply(kNext).call_id & 0xFFFF) >= channel.geometry().call_slots);
    });
    tell("lie_call_id", "generation", [](const FakeChannel& channel) {
        CHECK((channel.reply(kNext).call_id & 0xFFFF) == (FakeChannel::kCallId & 0xFFFF));
        CHECK(channel.reply(kNext).call_id != FakeChannel::kCallId);
    });
}

TEST_CASE("lie_incarnation replies in the name of the next worker") {
    tell("lie_incarnation", "",
         [](const FakeChannel& channel) { CHECK(channel.reply(kNext).incarnation == FakeChannel::kIncarnation + 1); });
}

TEST_CASE("lie_length claims more than fits into a slot or into a payload") {
    tell("lie_length", "inline", [](const FakeChannel& channel) {
        CHECK(channel.reply(kNext).length > kInlineCapacity);
        CHECK(channel.reply(kNext).flags == 0);
    });
    tell("lie_length", "limit", [](const FakeChannel& channel) {
        CHECK(channel.reply(kNext).length > channel.geometry().payload_limit);
        CHECK(channel.reply(kNext).flags == kSlotInSlab);
        CHECK(slab_offset(channel.reply(kNext)) == 0);
    });
}

TEST_CASE("lie_offset points behind the slab") {
    tell("lie_offset", "beyond", [](const FakeChannel& channel) {
        CHECK(channel.reply(kNext).flags == kSlotInSlab);
        CHECK(slab_offset(channel.reply(kNext)) == channel.geometry().reply_slab_size);
    });
    tell("lie_offset", "overflow", [](const FakeChannel& channel) {
        const std::uint64_t offset = slab_offset(channel.reply(kNext));
        CHECK(offset + channel.reply(kNext).length < offset);
        CHECK(offset % kSlabAlignment == 0);
    });
}

TEST_CASE("lie_begun moves the begun cursor and crashes") {
    for (const auto* where : {"ahead", "behind"}) {
        const FakeChannel channel;
        Victim liar([&] {
            channel.enter();
            FakeWorker worker(bulkhead_plugin());
            worker.create();
            worker.call("lie_begun", where);
            return Victim::kReturned;
        });
        CHECK(liar.wait().signal == SIGSEGV);
        CHECK(channel.header().begun == (std::string_view(where) == "ahead" ? 1'000'001 : 0));
    }
}

TEST_CASE("scribble writes what its seed says, and no two seeds the same") {
    const auto scribbled = [](const char* seed) {
        const FakeChannel channel;
        Victim liar([&] {
            channel.enter();
            FakeWorker worker(bulkhead_plugin());
            worker.create();
            return worker.call("scribble", seed).text == "scribbled" ? 0 : 1;
        });
        CHECK(liar.wait().exit_code == 0);
        return std::string(reinterpret_cast<const char*>(channel.worker_outbox()),
                           channel.geometry().worker_outbox_size);
    };
    const std::string first = scribbled("1");
    CHECK((first == scribbled("1")));
    CHECK((first != scribbled("2")));
}

TEST_CASE("a liar without a channel, or with an unknown lie, fails") {
    FakeWorker worker(bulkhead_plugin());
    REQUIRE(worker.create() == 0);
    const Answer homeless = worker.call("double_reply");
    CHECK(homeless.number == 3);
    CHECK(homeless.text == "this process has no channel to lie to");
    CHECK(worker.call("lie_length", "width").text == "lie_length knows \"inline\" and \"limit\", not \"width\"");
}
