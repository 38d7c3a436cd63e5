// Who reads the replies. At any time at most one thread waits on the worker's bell: a caller that is the
// reader and delivers to the others, or, when no caller blocks, the supervisor through the worker's eventfd.
#include <bulkhead/transport/waiting.hpp>

#include "lane.hpp"
#include "reply_check.hpp"

namespace bulkhead::detail {

using transport::SteadyTime;

void Lane::enlist(SyncWaiter& waiter) {
    if (reader_ == nullptr) {
        reader_ = &waiter;
        set_host_waits(transport::kHostLooks);
        return;
    }
    waiter.previous = last_sleeper_;
    (last_sleeper_ != nullptr ? last_sleeper_->next : first_sleeper_) = &waiter;
    last_sleeper_ = &waiter;
}

void Lane::unlink(SyncWaiter& waiter) {
    (waiter.previous != nullptr ? waiter.previous->next : first_sleeper_) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : last_sleeper_) = waiter.previous;
    waiter.previous = waiter.next = nullptr;
}

void Lane::await(Lock& lock, SyncWaiter& waiter, std::uint64_t call_id, SteadyTime deadline, Completions& done) {
    for (bool first = true;; first = false) {
        if (reader_ == &waiter) {
            drain(done);
        }
        if (!done.empty()) {  // others must not wait for us
            lock.unlock();
            done.run(*this);
            lock.lock();
        }
        if (waiter.done) {
            break;
        }
        if (!first && std::chrono::steady_clock::now() >= deadline) {
            expire(*calls_.find(call_id), ErrorCode::timed_out, done);
            break;
        }
        if (reader_ == &waiter) {
            look(lock, deadline);
        } else {
            lock.unlock();
            transport::futex_wait(waiter.word, SyncWaiter::kWaiting, deadline);
            lock.lock();
        }
    }
    if (reader_ == &waiter) {
        pass_reader_on(done);
    }
}

// Waits without the lock until the worker wrote something or somebody wants the reader's attention.
void Lane::look(Lock& lock, SteadyTime deadline) {
    const WorkerRef worker = serving_ && !serving_->accused ? serving_ : nullptr;
    const std::uint32_t word = reader_word_.load(std::memory_order_relaxed);
    if (!worker) {
        lock.unlock();
        transport::futex_wait(reader_word_, word, deadline);
        lock.lock();
        return;
    }
    const std::atomic<std::uint64_t>& sequence = *worker->replies.next_sequence();
    const std::uint64_t position = worker->replies.position();
    const auto arrived = [&] {
        return sequence.load(std::memory_order_acquire) > position ||
               reader_word_.load(std::memory_order_relaxed) != word;
    };
    lock.unlock();
    const bool seen = transport::spin_until(arrived, runtime_->permits.budget());
    lock.lock();
    if (seen || serving_ != worker) {
        return;
    }
    const std::atomic<std::uint32_t>& bell = worker->view.header().bell;
    const std::uint32_t bell_seen = bell.load(std::memory_order_acquire);
    set_host_waits(transport::kHostParked);
    lock.unlock();
    transport::full_fence();
    if (!arrived()) {
        transport::futex_wait_either(bell, bell_seen, reader_word_, word, deadline);
    }
    lock.lock();
    if (serving_ == worker) {
        set_host_waits(transport::kHostLooks);
    }
}

void Lane::drain(Completions& done) {
    WorkerProcess* const worker = serving_.get();
    transport::Message message;
    while (worker != nullptr && !worker->accused) {
        switch (worker->replies.take(message)) {
            case transport::RingReader::Take::nothing:
                return;
            case transport::RingReader::Take::violation:
                accuse(*worker, "a reply with a sequence number from the future");
                return;
            case transport::RingReader::Take::message:
                break;
        }
        const ReplyVerdict verdict =
            check_reply(message, worker->view, release_->geometry, worker->incarnation, calls_);
        if (verdict.broken_rule != nullptr) {
            accuse(*worker, verdict.broken_rule);
            return;
        }
        settle(*verdict.call, message, done);
    }
}

void Lane::pass_reader_on(Completions& done) {
    reader_ = first_sleeper_;
    if (reader_ != nullptr) {
        unlink(*reader_);
        reader_->word.store(SyncWaiter::kPromoted, std::memory_order_release);
        transport::futex_wake(reader_->word);
    } else if (calls_.in_use() > 0) {
        let_supervisor_read(done);
    }
}

void Lane::let_supervisor_read(Completions& done) {
    while (serving_ && !serving_->accused) {
        set_host_waits(transport::kHostPolls);
        transport::full_fence();
        if (!serving_->replies.ready()) {
            return;
        }
        set_host_waits(transport::kHostLooks);
        drain(done);
    }
}

void Lane::set_host_waits(std::uint32_t how) {
    if (serving_ && host_waits_ != how) {
        host_waits_ = how;
        outbox_.worker_cell(serving_->cell).host_waits.store(how, std::memory_order_relaxed);
    }
}

void Lane::wake_reader() {
    if (reader_ != nullptr) {
        reader_word_.fetch_add(1, std::memory_order_release);
        transport::futex_wake(reader_word_);
    }
}

void Lane::watch_deadline(SteadyTime when) {
    if (when < armed_) {
        armed_ = when;
        runtime_->supervisor.arm(timer_, when);
    }
}

}  // namespace bulkhead::detail
