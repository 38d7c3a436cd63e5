#include "dispatcher.hpp"

#include <cstdlib>

#include "bulkhead/transport/waiting.hpp"

namespace bulkhead::worker {

using transport::full_fence;
using transport::kNoPosition;
using transport::Message;
using transport::RingReader;

Dispatcher::Dispatcher(const transport::HostOutboxView& host, const transport::WorkerCell& cell,
                       transport::WorkerOutbox& outbox, ReplyOutbox& replies, OpenCalls& calls,
                       const PluginInstance& instance)
    : cell_(cell), host_(host), header_(outbox.header()), replies_(replies), calls_(calls), instance_(instance) {}

bool Dispatcher::wait_for_start() {
    const auto is_told = [this] {
        return cell_.start.load(std::memory_order_acquire) != kNoPosition ||
               cell_.shut_down.load(std::memory_order_relaxed) != 0;
    };
    while (!is_told()) {
        wait(is_told);
    }
    start_ = cell_.start.load(std::memory_order_acquire);
    // A cell of another incarnation: the host lost sight of us, and this is for a later worker.
    const bool is_ours = cell_.incarnation.load(std::memory_order_acquire) == header_.incarnation;
    if (start_ == kNoPosition || !is_ours || cell_.shut_down.load(std::memory_order_relaxed) != 0) {
        return false;
    }
    requests_ = host_.requests_from(start_);
    header_.begun.store(start_, std::memory_order_release);
    return true;
}

void Dispatcher::serve() {
    for (;;) {
        // A request is published after the stop that excludes it, so its sequence is looked at first.
        const bool ready = requests_.ready();
        if (is_told_to_end()) {
            break;
        }
        if (ready) {
            take_one();
        } else {
            wait([this] { return requests_.ready() || is_told_to_end(); });
        }
    }
    replies_.wait_for_answers(requests_.position() - start_);
}

bool Dispatcher::is_told_to_end() const noexcept {
    return requests_.position() >= cell_.stop.load(std::memory_order_acquire) ||
           cell_.shut_down.load(std::memory_order_acquire) != 0;
}

void Dispatcher::take_one() {
    Message message;
    if (requests_.take(message) != RingReader::Take::message) {
        // The host overran us, which its own reading of `begun` rules out: shared memory is broken.
        std::abort();
    }
    // First begun, then the look at the cancel cell; the host does it the other way round. One of us sees the other.
    header_.begun.store(requests_.position(), std::memory_order_release);
    full_fence();
    const auto& cell = *calls_.slot(message.call_id).cell;
    if (cell.cancelled.load(std::memory_order_acquire) == message.call_id) {
        replies_.skip(message.call_id);
        return;
    }
    run(message);
}

void Dispatcher::run(const Message& message) {
    if (message.method >= instance_.methods().size()) {
        // The host checks this; should a library have shrunk between two workers, this is better than a crash loop.
        replies_.fail_unopened(message.call_id, "this version of the plugin does not have the method");
        return;
    }
    const bulkhead_bytes request = calls_.open(calls_.slot(message.call_id), message);
    header_.current_call_id.store(message.call_id, std::memory_order_relaxed);
    instance_.run(message.method, OpenCalls::handle_of(message.call_id), request);
    header_.current_call_id.store(0, std::memory_order_relaxed);
}

template <typename HasWork>
void Dispatcher::wait(HasWork&& has_work) {
    if (cell_.spin_permit.load(std::memory_order_relaxed) != 0 &&
        transport::spin_until(has_work, host_.spin_budget())) {
        return;
    }
    const std::uint32_t seen = cell_.bell.load(std::memory_order_acquire);
    header_.parked.store(1, std::memory_order_relaxed);
    full_fence();
    if (!has_work()) {
        transport::futex_wait(cell_.bell, seen, transport::kNoDeadline);
    }
    header_.parked.store(0, std::memory_order_relaxed);
}

}  // namespace bulkhead::worker
