#include "reply_check.hpp"

#include <doctest/doctest.h>

#include <string>

#include "support/guarded_outbox.hpp"

namespace bulkhead::detail {
namespace {

using State = PendingCall::State;
using transport::Kind;
using transport::Message;

constexpr std::uint32_t kIncarnation = 9;

// A worker with one call in flight.
struct Desk {
    testing::GuardedOutbox outbox{testing::tiny_limits(), kIncarnation};
    PendingCalls calls{outbox.geometry().call_slots};
    PendingCall& call = *calls.acquire();

    Desk() {
        call.state = State::open;
        call.position = 0;
    }

    Message reply(Kind kind = Kind::reply) const {
        Message message;
        message.call_id = call.id;
        message.incarnation = kIncarnation;
        message.kind = static_cast<std::uint8_t>(kind);
        return message;
    }
    Message slab_reply(std::uint64_t offset, std::uint64_t length) const {
        Message message = reply();
        message.set_slab_offset(offset);
        message.length = static_cast<std::uint32_t>(length);
        return message;
    }
    ReplyVerdict judge(const Message& message) {
        return check_reply(message, outbox.view(), outbox.geometry(), kIncarnation, calls);
    }
    bool accepts(const Message& message) {
        const ReplyVerdict verdict = judge(message);
        return verdict.broken_rule == nullptr && verdict.call == &call;
    }
    std::string broken_rule(const Message& message) {
        const ReplyVerdict verdict = judge(message);
        CHECK(verdict.call == nullptr);
        return verdict.broken_rule != nullptr ? verdict.broken_rule : "";
    }
};

TEST_CASE("an open call takes each kind of answer") {
    Desk desk;
    CHECK(desk.accepts(desk.reply(Kind::reply)));
    CHECK(desk.accepts(desk.reply(Kind::plugin_error)));
    CHECK(desk.accepts(desk.reply(Kind::reply_too_large)));
}

TEST_CASE("a call that has its outcome still takes one late answer, or the word that it was skipped") {
    Desk desk;
    desk.call.state = State::decided;
    CHECK(desk.accepts(desk.reply(Kind::reply)));
    CHECK(desk.accepts(desk.reply(Kind::skipped)));
    desk.call.released = true;
    CHECK(desk.broken_rule(desk.reply(Kind::reply)) == "a reply to a call that is not in flight");
}

TEST_CASE("a reply may fill its slot, but no more") {
    Desk desk;
    Message message = desk.reply();
    message.length = transport::kInlineCapacity;
    CHECK(desk.accepts(message));
    message.length = transport::kInlineCapacity + 1;
    CHECK(desk.broken_rule(message) == "a reply that lies outside its place");
}

TEST_CASE("a reply may lie anywhere in the slab, up to its last byte") {
    Desk desk;
    const auto& geometry = desk.outbox.geometry();
    const std::uint64_t limit = geometry.payload_limit;
    CHECK(desk.accepts(desk.slab_reply(0, limit)));
    CHECK(desk.accepts(desk.slab_reply(geometry.reply_slab_size - limit, limit)));
    CHECK(desk.accepts(desk.slab_reply(geometry.reply_slab_size, 0)));
    for (const std::uint64_t offset : {geometry.reply_slab_size - limit + 1, geometry.reply_slab_size,
                                       std::uint64_t{UINT32_MAX}, ~std::uint64_t{0} - limit + 1, ~std::uint64_t{0}}) {
        CAPTURE(offset);
        CHECK(desk.broken_rule(desk.slab_reply(offset, limit)) == "a reply that lies outside its place");
    }
}

TEST_CASE("a reply longer than the payload limit breaks a rule, though the slab has room for it") {
    Desk desk;
    const std::uint64_t limit = desk.outbox.geometry().payload_limit;
    CHECK(desk.broken_rule(desk.slab_reply(0, limit + 1)) == "a reply longer than the payload limit");
    CHECK(desk.broken_rule(desk.slab_reply(0, UINT32_MAX)) == "a reply longer than the payload limit");
}

TEST_CASE("every kind that is no answer breaks a rule") {
    Desk desk;
    for (unsigned kind = 0; kind < 256; ++kind) {
        CAPTURE(kind);
        const bool is_answer =
            kind == static_cast<unsigned>(Kind::reply) || kind == static_cast<unsigned>(Kind::plugin_error) ||
            kind == static_cast<unsigned>(Kind::skipped) || kind == static_cast<unsigned>(Kind::reply_too_large);
        if (!is_answer) {
            CHECK(desk.broken_rule(desk.reply(static_cast<Kind>(kind))) == "a reply of an unknown kind");
        }
    }
}

TEST_CASE("a reply in another worker's name breaks a rule") {
    Desk desk;
    for (const std::uint32_t other : {0U, kIncarnation - 1, kIncarnation + 1, UINT32_MAX}) {
        Message message = desk.reply();
        message.incarnation = other;
        CHECK(desk.broken_rule(message) == "a reply in the name of another worker");
    }
}

TEST_CASE("flags without a meaning for a reply break a rule") {
    Desk desk;
    for (const unsigned flags : {2U, 3U, 4U, 0x80U, 0xFFU}) {
        CAPTURE(flags);
        Message message = desk.reply();
        message.flags = static_cast<std::uint8_t>(flags);
        CHECK(desk.broken_rule(message) == "a reply with unknown flags");
    }
}

TEST_CASE("a reply to what is no call in flight breaks a rule") {
    Desk desk;
    const std::uint64_t id = desk.call.id;
    const auto rule_for = [&](std::uint64_t call_id) {
        Message message = desk.reply();
        message.call_id = call_id;
        return desk.broken_rule(message);
    };
    for (const std::uint64_t wrong :
         {std::uint64_t{0}, id + 1, id + 0x10000, id - 0x10000, id | 0xFFFF, ~std::uint64_t{0}}) {
        CAPTURE(wrong);
        CHECK(rule_for(wrong) == "a reply to a call that is not in flight");
    }
    desk.call.state = State::preparing;
    CHECK(rule_for(id) == "a reply to a call that is not in flight");
    desk.calls.give_back(desk.call);
    CHECK(rule_for(id) == "a reply to a call that is not in flight");
}

TEST_CASE("only a call that has its outcome can have been skipped") {
    Desk desk;
    CHECK(desk.broken_rule(desk.reply(Kind::skipped)) == "a call was skipped that nobody cancelled");
}

}  // namespace
}  // namespace bulkhead::detail
