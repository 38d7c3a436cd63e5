// Keeps state files up to date while nobody waits for a disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "state_file.hpp"

namespace bulkhead::detail {

// A plugin's state file and where its newest state comes from. Both functions run on the writer's thread.
struct StateTarget {
    StateFile file;
    std::function<std::optional<StoredState>()> newest;  // empty: there is nothing to write
    // Writing fails for this reason, or works again when it is empty. Only when that changed.
    std::function<void(const std::string& error)> told;
};

// One thread per host, which exists once there is a target. It writes the newest state of each target that changed;
// states that were overtaken meanwhile are never written. What failed is tried again with the next change, and after
// `retry`. Any thread; no lock that `newest` or `told` takes may be held in `flush`, `remove` and `stop`.
class StateWriter {
  public:
    class Target;  // opaque
    using TargetRef = std::shared_ptr<Target>;

    explicit StateWriter(std::chrono::milliseconds retry = std::chrono::seconds(1)) : retry_(retry) {}
    StateWriter(const StateWriter&) = delete;
    StateWriter& operator=(const StateWriter&) = delete;
    ~StateWriter() { stop(); }

    // Throws std::system_error when there is no thread to be had.
    TargetRef add(StateTarget target);

    // There is a newer state. Returns at once: one atomic operation while an earlier change is still to be written.
    void changed(const TargetRef& target);

    // The state so far was refused: its file is put aside, and what `newest` gives from now on is written to a new one.
    // To be called before anybody can commit a newer state. Returns at once.
    void put_aside(const TargetRef& target);

    // Returns when all changes so far are on disk, or were tried.
    void flush(const TargetRef& target);

    // Flushes. Later changes are ignored, and neither function of the target runs any more.
    void remove(const TargetRef& target);

    // Flushes all targets and ends the thread. Nothing may change meanwhile; later changes are ignored.
    void stop();

  private:
    using Lock = std::unique_lock<std::mutex>;

    void enqueue(const TargetRef& target);
    void run();
    TargetRef next(Lock& lock);
    void write(Lock& lock, const TargetRef& target);
    void flush(Lock& lock, const TargetRef& target);
    void try_failed_again();

    const std::chrono::milliseconds retry_;
    std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable written_;
    std::deque<TargetRef> queue_;   // changed; each once
    std::deque<TargetRef> failed_;  // not changed since they failed; each once
    std::chrono::steady_clock::time_point retry_at_;
    bool stopping_ = false;
    bool running_ = false;  // the thread, until it has written all
    std::thread thread_;
};

}  // namespace bulkhead::detail
