#include "reply_check.hpp"

namespace bulkhead::detail {

ReplyVerdict check_reply(const transport::Message& message, const transport::WorkerOutboxView& view,
                         const transport::Geometry& geometry, std::uint32_t incarnation, PendingCalls& calls) {
    using transport::Kind;
    const auto kind = static_cast<Kind>(message.kind);
    if (kind != Kind::reply && kind != Kind::plugin_error && kind != Kind::skipped && kind != Kind::reply_too_large) {
        return {nullptr, "a reply of an unknown kind"};
    }
    if (message.incarnation != incarnation) {
        return {nullptr, "a reply in the name of another worker"};
    }
    if ((message.flags & ~transport::kSlotInSlab) != 0) {
        return {nullptr, "a reply with unknown flags"};
    }
    PendingCall* call = calls.find(message.call_id);
    if (call == nullptr || call->state == PendingCall::State::preparing || call->released) {
        return {nullptr, "a reply to a call that is not in flight"};
    }
    if (message.length > geometry.payload_limit) {
        return {nullptr, "a reply longer than the payload limit"};
    }
    if (kind == Kind::plugin_error && message.length > transport::kMaxErrorText) {
        return {nullptr, "an error text longer than an error may have"};
    }
    if (message.in_slab() ? !view.lies_in_slab(message.slab_offset(), message.length)
                          : message.length > transport::kInlineCapacity) {
        return {nullptr, "a reply that lies outside its place"};
    }
    if (kind == Kind::skipped && call->state != PendingCall::State::decided && !call->lost) {
        return {nullptr, "a call was skipped that nobody cancelled"};
    }
    return {call, nullptr};
}

}  // namespace bulkhead::detail
