#include "state_writer.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "signal_block.hpp"

namespace bulkhead::detail {

class StateWriter::Target {
  public:
    explicit Target(StateTarget parts) : parts_(std::move(parts)) {}

    // True: it is to be queued. Cleared before the newest state is asked for, so no change is overlooked.
    bool mark() noexcept { return !changed_.exchange(true, std::memory_order_acq_rel); }
    bool is_marked() const noexcept { return changed_.load(std::memory_order_acquire); }
    void unmark() noexcept { changed_.exchange(false, std::memory_order_acq_rel); }

    // True: as mark().
    bool want_aside() noexcept {
        asides_wanted_.fetch_add(1, std::memory_order_acq_rel);
        return mark();
    }

    // Puts the file aside if that is wanted, then writes the newest state. False: it failed. The writer's thread,
    // without its mutex.
    bool write() {
        std::string error = try_to_write();
        if (error != last_error_) {
            last_error_ = error;
            try {
                parts_.told(error);
            } catch (...) {  // the listener's own trouble
            }
        }
        return error.empty();
    }

    // Guarded by the writer's mutex:
    bool removed = false;
    std::uint64_t writes_begun = 0;
    std::uint64_t writes_done = 0;

  private:
    // With how often the file was to be put aside before that state was committed, and never after.
    std::pair<std::optional<StoredState>, std::uint64_t> newest() {
        for (;;) {
            const std::uint64_t asides = asides_wanted_.load(std::memory_order_acquire);
            std::optional<StoredState> state = parts_.newest();
            if (asides == asides_wanted_.load(std::memory_order_acquire)) {
                return {std::move(state), asides};
            }
        }
    }

    std::string try_to_write() {
        try {
            const auto [state, asides] = newest();
            if (asides != asides_done_) {
                if (auto failed = parts_.file.put_aside()) {
                    return *std::move(failed);
                }
                asides_done_ = asides;
            }
            return state ? parts_.file.write(state->version, state->bytes).value_or("") : std::string();
        } catch (const std::exception& failure) {
            return "state file " + parts_.file.path().string() + " cannot be written: " + failure.what();
        }
    }

    StateTarget parts_;
    std::string last_error_;         // writer's thread
    std::uint64_t asides_done_ = 0;  // writer's thread
    std::atomic<std::uint64_t> asides_wanted_{0};
    std::atomic<bool> changed_{false};
};

StateWriter::TargetRef StateWriter::add(StateTarget target) {
    auto added = std::make_shared<Target>(std::move(target));
    const Lock lock(mutex_);
    if (!thread_.joinable() && !stopping_) {
        const SignalBlock block;
        thread_ = std::thread([this] { run(); });
        running_ = true;
    }
    return added;
}

void StateWriter::changed(const TargetRef& target) {
    if (target->mark()) {
        enqueue(target);
    }
}

void StateWriter::put_aside(const TargetRef& target) {
    if (target->want_aside()) {
        enqueue(target);
    }
}

void StateWriter::enqueue(const TargetRef& target) {
    const Lock lock(mutex_);
    if (stopping_ || target->removed) {
        return;
    }
    std::erase(failed_, target);
    queue_.push_back(target);
    work_.notify_one();
}

void StateWriter::flush(const TargetRef& target) {
    Lock lock(mutex_);
    flush(lock, target);
}

void StateWriter::flush(Lock& lock, const TargetRef& target) {
    if (std::find(failed_.begin(), failed_.end(), target) != failed_.end()) {
        try_failed_again();
    }
    // A marked one is in the queue, or will be in a moment: its next write is the one to wait for.
    const std::uint64_t wanted = target->writes_begun + (target->is_marked() ? 1 : 0);
    written_.wait(lock, [&] { return target->writes_done >= wanted || target->removed || !running_; });
}

void StateWriter::remove(const TargetRef& target) {
    Lock lock(mutex_);
    flush(lock, target);
    target->removed = true;
    std::erase(queue_, target);
    std::erase(failed_, target);
    written_.wait(lock, [&] { return target->writes_done == target->writes_begun; });
    written_.notify_all();
}

void StateWriter::stop() {
    std::thread ending;
    {
        const Lock lock(mutex_);
        try_failed_again();
        stopping_ = true;
        ending = std::move(thread_);
        work_.notify_one();
    }
    if (ending.joinable()) {
        ending.join();
    }
}

void StateWriter::run() {
    Lock lock(mutex_);
    while (const TargetRef target = next(lock)) {
        write(lock, target);
    }
    running_ = false;
    written_.notify_all();
}

// Null: stop.
StateWriter::TargetRef StateWriter::next(Lock& lock) {
    while (queue_.empty()) {
        if (stopping_) {
            return nullptr;
        }
        if (failed_.empty()) {
            work_.wait(lock);
        } else if (work_.wait_until(lock, retry_at_) == std::cv_status::timeout) {
            try_failed_again();
        }
    }
    TargetRef target = std::move(queue_.front());
    queue_.pop_front();
    return target;
}

void StateWriter::write(Lock& lock, const TargetRef& target) {
    ++target->writes_begun;
    target->unmark();
    lock.unlock();
    const bool good = target->write();
    lock.lock();
    ++target->writes_done;
    if (!good && !target->removed && !target->is_marked() && !stopping_) {
        failed_.push_back(target);
        retry_at_ = std::chrono::steady_clock::now() + retry_;
    }
    written_.notify_all();
}

void StateWriter::try_failed_again() {
    for (TargetRef& target : std::exchange(failed_, {})) {
        if (target->mark()) {  // else whoever marked it is about to queue it
            queue_.push_back(std::move(target));
        }
    }
    work_.notify_one();
}

}  // namespace bulkhead::detail
