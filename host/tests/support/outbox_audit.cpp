#include "support/outbox_audit.hpp"

#include <algorithm>
#include <cstring>

#include "reply_check.hpp"

namespace bulkhead::testing {

using detail::PendingCall;
using transport::Kind;
using transport::Message;

namespace {

constexpr std::uint64_t kFirstId = 0x10000;  // of the first call in slot 0; the next slots' follow
constexpr std::size_t kPublished = 3;

bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

OutboxAudit::OutboxAudit(const GuardedOutbox& outbox)
    : outbox_(outbox), calls_(outbox.geometry().call_slots), reader_(outbox.view().replies()) {
    constexpr PendingCall::State kStates[] = {PendingCall::State::open, PendingCall::State::open,
                                              PendingCall::State::decided, PendingCall::State::preparing};
    std::uint64_t position = 0;
    for (const PendingCall::State state : kStates) {
        PendingCall& call = *calls_.acquire();
        call.state = state;
        call.position = position++;
    }
}

void OutboxAudit::be_honest(GuardedOutbox& outbox) {
    transport::WorkerOutbox& worker = outbox.worker();
    std::strcpy(worker.methods()[0].name, "first");
    std::strcpy(worker.methods()[1].name, "second");
    worker.methods()[1].flags = 1;
    worker.header().method_count = 2;
    worker.write_failure("while nothing happened");
    worker.write_log_line(1, "one line");
    worker.write_log_line(2, std::string(500, 'x'));
    worker.header().life.store(static_cast<std::uint32_t>(transport::Life::ready));
    worker.header().begun.store(kPublished);
    Message message;
    message.incarnation = outbox.incarnation();
    message.kind = static_cast<std::uint8_t>(Kind::reply);
    message.call_id = kFirstId;
    message.length = 5;
    std::memcpy(message.inline_bytes, "hello", 5);
    worker.replies().publish(message);
    message.call_id = kFirstId + 1;
    message.length = static_cast<std::uint32_t>(outbox.geometry().payload_limit);
    message.set_slab_offset(256);
    worker.replies().publish(message);
    message.call_id = kFirstId + 2;
    message.kind = static_cast<std::uint8_t>(Kind::skipped);
    message.flags = 0;
    message.length = 0;
    worker.replies().publish(message);
}

void OutboxAudit::require(bool holds, const char* what) {
    if (!holds) {
        impossible_.emplace_back(what);
    }
}

void OutboxAudit::read() {
    read_replies();
    read_log();
    read_methods();
    const std::string failure = detail::read_failure(outbox_.view());
    require(failure.size() <= transport::kFailureCapacity, "a failure text beyond its capacity");
    require(is_plain(failure), "control characters in a failure text");
}

void OutboxAudit::read_replies() {
    Message message;
    while (broken_rule_.empty()) {
        const auto taken = reader_.take(message);
        if (taken == transport::RingReader::Take::nothing) {
            return;
        }
        if (taken == transport::RingReader::Take::violation) {
            broken_rule_ = "a reply with a sequence number from the future";
            return;
        }
        const detail::ReplyVerdict verdict =
            detail::check_reply(message, outbox_.view(), outbox_.geometry(), outbox_.incarnation(), calls_);
        if (verdict.broken_rule != nullptr) {
            require(verdict.call == nullptr, "a call for a reply that broke a rule");
            broken_rule_ = verdict.broken_rule;
            require(!broken_rule_.empty(), "a broken rule without a name");
            return;
        }
        require(verdict.call != nullptr, "neither a call nor a broken rule");
        if (verdict.call == nullptr) {
            return;
        }
        settle(*verdict.call, message);
    }
}

void OutboxAudit::settle(PendingCall& call, const Message& message) {
    ++replies_;
    require(replies_ <= kPublished, "more replies than calls");
    require(call.id == message.call_id, "a reply for another call");
    require(call.state == PendingCall::State::open || call.state == PendingCall::State::decided,
            "a reply to a call that was not published");
    require(message.length <= outbox_.geometry().payload_limit, "a reply over the limit");
    // Reads each byte of the payload where the worker put it.
    const std::byte* payload = message.in_slab() ? outbox_.view().block(message.slab_offset()) : message.inline_bytes;
    const std::vector<std::byte> copy(payload, payload + message.length);
    calls_.give_back(call);
}

void OutboxAudit::read_log() {
    std::size_t lines = 0;
    const auto on_line = [&](LogLevel level, std::string_view text) {
        ++lines;
        require(level <= LogLevel::error, "a log level that there is not");
        require(text.size() <= transport::kLogLineCapacity, "a log line beyond its capacity");
        require(is_plain(text), "control characters in a log line");
    };
    const auto on_lost = [&](std::uint64_t count) { require(count > 0, "a loss of nothing"); };
    log_.read(outbox_.view(), outbox_.geometry().log_slots, on_lost, on_line);
    require(lines <= outbox_.geometry().log_slots, "more log lines than slots");
    lines_ += lines;
}

void OutboxAudit::read_methods() {
    wrong_methods_.clear();
    methods_ = detail::read_methods(outbox_.view(), {{"first", true}}, wrong_methods_);
    require(methods_.size() <= transport::kMaxMethods, "too many methods");
    for (const MethodDescription& method : methods_) {
        require(method.name.size() <= sizeof(transport::MethodRecord::name), "a method name beyond its capacity");
        require(is_plain(method.name), "control characters in a method name");
    }
}

}  // namespace bulkhead::testing
