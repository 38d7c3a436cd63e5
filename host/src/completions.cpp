#include "completions.hpp"

#include <bulkhead/transport/waiting.hpp>
#include <utility>

#include "lane.hpp"

namespace bulkhead::detail {

void Completions::add(std::unique_ptr<AsyncWaiter> call) {
    AsyncWaiter* added = call.get();
    if (last_ == nullptr) {
        first_ = std::move(call);
    } else {
        last_->next = std::move(call);
    }
    last_ = added;
}

void Completions::ring(std::atomic<std::uint32_t>& bell) {
    bell.fetch_add(1, std::memory_order_release);
    bell_ = &bell;
}

void Completions::wake_reader(Callers& callers) {
    if (callers.reader() != nullptr) {
        callers.reader_word().fetch_add(1, std::memory_order_release);
        reader_word_ = &callers.reader_word();
    }
}

void Completions::wake() {
    if (bell_ != nullptr) {
        transport::futex_wake(*std::exchange(bell_, nullptr));
    }
    if (reader_word_ != nullptr) {
        transport::futex_wake(*std::exchange(reader_word_, nullptr));
    }
}

void Completions::run_all(Lane& lane) {
    wake();
    if (supervisor_ != nullptr) {
        std::exchange(supervisor_, nullptr)->poke();
    }
    last_ = nullptr;
    for (auto call = std::move(first_); call; call = std::move(call->next)) {
        call->completion->complete(
            lane.conclude(call->call_id, lane.release().methods[call->method].name, call->outcome), false);
    }
}

}  // namespace bulkhead::detail
