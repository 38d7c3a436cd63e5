#include "pending_calls.hpp"

#include <algorithm>

namespace bulkhead::detail {

PendingCalls::PendingCalls(std::uint32_t slots) : slots_(slots) {
    calls_.reserve(slots);
    free_.reserve(slots);
}

PendingCall* PendingCalls::acquire() {
    if (free_.empty()) {
        if (calls_.size() == slots_) {
            return nullptr;
        }
        free_.push_back(static_cast<std::uint32_t>(calls_.size()));
        calls_.emplace_back().id = free_.back();
    }
    PendingCall& call = calls_[free_.back()];
    free_.pop_back();
    call.state = PendingCall::State::preparing;  // neighbours in memory, so that the compiler stores them together
    call.released = false;
    call.held = false;
    call.idempotent = false;
    call.ran = false;
    call.patient = false;
    call.lost = false;
    call.suspect = false;
    call.attempts = 0;
    call.answer_waits_for = 0;
    call.id += 0x10000;
    call.position = transport::kNoPosition;
    call.block.reset();
    call.waiter = nullptr;
    return &call;
}

PendingCall* PendingCalls::find(std::uint64_t id) {
    const std::uint32_t index = index_of(id);
    if (index >= calls_.size() || calls_[index].id != id || calls_[index].state == PendingCall::State::free) {
        return nullptr;
    }
    return &calls_[index];
}

void PendingCalls::give_back(PendingCall& call) {
    call.state = PendingCall::State::free;
    call.session.reset();
    free_.push_back(index_of(call.id));
}

std::vector<PendingCall*> PendingCalls::published() {
    std::vector<PendingCall*> calls;
    for (PendingCall& call : calls_) {
        if (call.state == PendingCall::State::open || call.state == PendingCall::State::decided) {
            calls.push_back(&call);
        }
    }
    std::sort(calls.begin(), calls.end(),
              [](const PendingCall* a, const PendingCall* b) { return a->position < b->position; });
    return calls;
}

}  // namespace bulkhead::detail
