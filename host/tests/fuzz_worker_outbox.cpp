// libFuzzer target: whatever a worker writes into its outbox, the host reads within its bounds and names a broken rule.
//
// The input is a list of changes to an honest worker's outbox, and of moments at which the host reads it.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "support/outbox_audit.hpp"

namespace {

using bulkhead::testing::GuardedOutbox;
using bulkhead::testing::OutboxAudit;

// Mapped once; each input starts from the honest content.
struct Stage {
    Stage() {
        OutboxAudit::be_honest(outbox);
        honest.assign(outbox.bytes().begin(), outbox.bytes().end());
    }
    GuardedOutbox outbox;
    std::vector<std::byte> honest;
};

enum class Change : std::uint8_t { anywhere, header, reply, log_line, method, slab_reply, kMaxValue = slab_reply };

template <typename T>
void set(FuzzedDataProvider& input, T& field) {
    field = input.ConsumeIntegral<T>();
}

void overwrite(FuzzedDataProvider& input, std::span<std::byte> target) {
    const auto bytes = input.ConsumeBytes<std::uint8_t>(input.ConsumeIntegralInRange<std::size_t>(0, target.size()));
    std::transform(bytes.begin(), bytes.end(), target.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
}

void change_header(FuzzedDataProvider& input, bulkhead::transport::WorkerOutboxHeader& header) {
    switch (input.ConsumeIntegralInRange(0, 5)) {
        case 0:
            header.log_head.store(input.ConsumeIntegral<std::uint64_t>());
            break;
        case 1:
            set(input, header.method_count);
            break;
        case 2:
            set(input, header.failure_length);
            break;
        case 3:
            header.life.store(input.ConsumeIntegral<std::uint32_t>());
            break;
        case 4:
            header.begun.store(input.ConsumeIntegral<std::uint64_t>());
            break;
        default:
            overwrite(input, std::as_writable_bytes(std::span(header.failure)));
            break;
    }
}

void change_reply(FuzzedDataProvider& input, GuardedOutbox& outbox) {
    const auto position = input.ConsumeIntegralInRange<std::uint64_t>(0, 6);
    bulkhead::transport::Slot& slot = outbox.reply_slot(position);
    slot.sequence.store(input.ConsumeBool() ? position + 1 : input.ConsumeIntegral<std::uint64_t>());
    switch (input.ConsumeIntegralInRange(0, 5)) {
        case 0:
            slot.call_id = input.ConsumeBool() ? 0x10000 + input.ConsumeIntegralInRange<std::uint64_t>(0, 4)
                                               : input.ConsumeIntegral<std::uint64_t>();
            break;
        case 1:
            set(input, slot.kind);
            break;
        case 2:
            set(input, slot.flags);
            break;
        case 3:
            set(input, slot.length);
            break;
        case 4:
            set(input, slot.incarnation);
            break;
        default:
            overwrite(input, slot.inline_bytes);
            break;
    }
}

// A reply that is right but for its place in the slab.
void place_reply(FuzzedDataProvider& input, GuardedOutbox& outbox) {
    bulkhead::transport::Slot& slot = outbox.reply_slot(0);
    const auto offset = input.ConsumeIntegral<std::uint64_t>();
    slot.flags = bulkhead::transport::kSlotInSlab;
    slot.length = static_cast<std::uint32_t>(input.ConsumeIntegralInRange<std::uint64_t>(0, 1001));
    std::memcpy(slot.inline_bytes, &offset, sizeof offset);
}

void change_log_line(FuzzedDataProvider& input, GuardedOutbox& outbox) {
    bulkhead::transport::LogSlot& slot = outbox.log_slot(input.ConsumeIntegralInRange<std::uint64_t>(0, 7));
    slot.sequence.store(input.ConsumeIntegralInRange<std::uint64_t>(0, 20));
    set(input, slot.level);
    set(input, slot.length);
    overwrite(input, std::as_writable_bytes(std::span(slot.text)));
}

void change_method(FuzzedDataProvider& input, GuardedOutbox& outbox) {
    const auto index = input.ConsumeIntegralInRange<std::uint32_t>(0, bulkhead::transport::kMaxMethods - 1);
    bulkhead::transport::MethodRecord& record = outbox.worker().methods()[index];
    overwrite(input, std::as_writable_bytes(std::span(&record, 1)));
}

void apply(FuzzedDataProvider& input, GuardedOutbox& outbox) {
    switch (input.ConsumeEnum<Change>()) {
        case Change::anywhere:
            overwrite(input,
                      outbox.bytes().subspan(input.ConsumeIntegralInRange<std::size_t>(0, outbox.bytes().size() - 1)));
            break;
        case Change::header:
            change_header(input, outbox.worker().header());
            break;
        case Change::reply:
            change_reply(input, outbox);
            break;
        case Change::log_line:
            change_log_line(input, outbox);
            break;
        case Change::method:
            change_method(input, outbox);
            break;
        case Change::slab_reply:
            place_reply(input, outbox);
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Stage stage;
    std::copy(stage.honest.begin(), stage.honest.end(), stage.outbox.bytes().begin());
    OutboxAudit audit(stage.outbox);
    FuzzedDataProvider input(data, size);
    while (input.remaining_bytes() > 0) {
        apply(input, stage.outbox);
        if (input.ConsumeBool()) {
            audit.read();
        }
    }
    audit.read();
    if (!audit.impossible().empty()) {
        std::fprintf(stderr, "this must never be: %s\n", audit.impossible().front().c_str());
        std::abort();
    }
    return 0;
}
