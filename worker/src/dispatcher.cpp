#include "dispatcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "bulkhead/transport/waiting.hpp"
#include "death_point.hpp"
#include "time_slice.hpp"

namespace bulkhead::worker {

using transport::full_fence;
using transport::kNoPosition;
using transport::Message;
using transport::RingReader;

namespace {

constexpr int kLooksForRequest = 4;
// So long a worker that has just become ready looks for the host's decision: the host has to be woken, and to see that
// nobody else serves.
constexpr std::chrono::microseconds kDecision{200};

}  // namespace

Dispatcher::Dispatcher(const transport::HostOutboxView& host, const transport::WorkerCell& cell,
                       transport::WorkerOutbox& outbox, ReplyOutbox& replies, OpenCalls& calls,
                       const PluginInstance& instance, Checkpoints& checkpoints)
    : cell_(cell),
      host_(host),
      outbox_(outbox),
      header_(outbox.header()),
      replies_(replies),
      calls_(calls),
      instance_(instance),
      checkpoints_(checkpoints) {}

bool Dispatcher::is_told_to_start() const noexcept {
    return cell_.start.load(std::memory_order_acquire) != kNoPosition ||
           cell_.shut_down.load(std::memory_order_relaxed) != 0;
}

bool Dispatcher::wait_for_start() {
    if (!is_told_to_start()) {
        stand_by();
    }
    leave_it_to_the_next_if_crashing();  // it may be at work already
    start_ = cell_.start.load(std::memory_order_acquire);
    // A cell of another incarnation: the host lost sight of us, and this is for a later worker.
    const bool is_ours = cell_.incarnation.load(std::memory_order_acquire) == header_.incarnation;
    if (start_ == kNoPosition || !is_ours || cell_.shut_down.load(std::memory_order_relaxed) != 0) {
        return false;
    }
    requests_ = host_.requests_from(start_);
    header_.begun.store(start_, std::memory_order_release);
    checkpoints_.begin(start_);
    return true;
}

void Dispatcher::stand_by() {
    // Where nothing may spin the budget is zero.
    const std::chrono::nanoseconds budget = host_.spin_budget();
    const auto is_told = [this] { return is_told_to_start(); };
    set_time_slice(TimeSlice::shortest);  // who wakes us has a caller that waits
    std::chrono::nanoseconds patience = std::min<std::chrono::nanoseconds>(budget * 1'000, kDecision);
    while (!transport::spin_until(is_told, patience)) {
        // From now on it is woken because the one that serves is crashing, and the host is about to tell. It looks for
        // a moment only, because this may be the very core that the host needs for that; but whose wait was just over
        // is woken faster.
        patience = budget / 3;
        wait(is_told, [this] {
            death_point("parked_standing_by");
            warm_up();
        });
    }
    set_time_slice(TimeSlice::usual);
}

// What the first call will touch is touched while there is time.
void Dispatcher::warm_up() noexcept {
    if (is_warm_) {
        return;
    }
    is_warm_ = true;
    outbox_.warm_up(host_.warm_up());
}

void Dispatcher::serve_first() {
    if (requests_.ready() && !is_told_to_end()) {
        leave_it_to_the_next_if_crashing();
        take_one();
        transport::futex_wake(host_.first_answer());
    }
}

void Dispatcher::serve() {
    for (;;) {
        // A request is published after the stop that excludes it, so its sequence is looked at first.
        const bool ready = requests_.ready();
        if (is_told_to_end()) {
            break;
        }
        if (ready) {
            leave_it_to_the_next_if_crashing();
            take_one();
        } else if (checkpoints_.is_due()) {
            checkpoints_.take();
        } else {
            wait(
                [this] {
                    // Nearly always it is a request, so it is looked for more often than all else.
                    for (int look = 0; look < kLooksForRequest; ++look) {
                        requests_.prefetch_next();
                        if (requests_.ready()) {
                            return true;
                        }
                    }
                    return is_told_to_end() || checkpoints_.is_due();
                },
                [] { death_point("parked"); });
        }
    }
    leave_it_to_the_next_if_crashing();  // that may be why; then this is no end in order
    while (!replies_.wait_for_answers(requests_.position() - start_)) {
        checkpoints_.take();
    }
    death_point("before_handover");
}

bool Dispatcher::is_told_to_end() const noexcept {
    return is_told_to_stop_before(requests_.position()) || cell_.shut_down.load(std::memory_order_acquire) != 0;
}

bool Dispatcher::is_told_to_stop_before(std::uint64_t position) const noexcept {
    return position >= cell_.stop.load(std::memory_order_acquire);
}

// Another thread is crashing, and its handler ends the process: what has not begun here begins in the next worker and
// is not lost.
void Dispatcher::leave_it_to_the_next_if_crashing() const noexcept {
    while (header_.crashing.load(std::memory_order_relaxed) != 0) {
        ::pause();
    }
}

void Dispatcher::take_one() {
    Message message;
    if (requests_.take(message) != RingReader::Take::message) {
        // The host overran us, which its own reading of `begun` rules out: shared memory is broken.
        std::abort();
    }
    last_length_ = message.length;
    checkpoints_.took(requests_.position());
    death_point("after_take");
    // First begun, then the look at the cancel cell; the host does it the other way round. One of us sees the other.
    header_.begun.store(requests_.position(), std::memory_order_release);
    full_fence();
    death_point("after_begun");
    if (is_told_to_stop_before(requests_.position() - 1)) {
        // Another thread crashed, and the host gave this request to another worker, or counts it as begun.
        for (;;) {
            ::pause();
        }
    }
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
    death_point("before_run");
    instance_.run(message.method, OpenCalls::handle_of(message.call_id), request);
    death_point("after_run");
    header_.current_call_id.store(0, std::memory_order_relaxed);
    if (checkpoints_.active()) {
        checkpoints_.after_call();
    }
}

template <typename HasWork, typename BeforeSleep>
void Dispatcher::wait(HasWork&& has_work, BeforeSleep&& before_sleep) {
    if (cell_.spin_permit.load(std::memory_order_relaxed) != 0 &&
        transport::spin_until(has_work, transport::spin_budget_after(host_.spin_budget(), last_length_))) {
        return;
    }
    const std::uint32_t bell = cell_.bell.load(std::memory_order_acquire);
    const std::uint32_t changed = replies_.changed().load(std::memory_order_acquire);
    header_.parked.store(1, std::memory_order_relaxed);
    full_fence();
    if (!has_work()) {
        before_sleep();
        park(bell, changed);
    }
    header_.parked.store(0, std::memory_order_relaxed);
}

void Dispatcher::park(std::uint32_t bell_seen, std::uint32_t changed_seen) noexcept {
    if (checkpoints_.active()) {  // other threads' answers may need one, and the clock
        transport::futex_wait_either(cell_.bell, bell_seen, replies_.changed(), changed_seen, checkpoints_.due_at());
    } else {
        transport::futex_wait(cell_.bell, bell_seen, transport::kNoDeadline);
    }
}

}  // namespace bulkhead::worker
