// What is done after a lane's mutex was left.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "async_waiter.hpp"
#include "callers.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

// What was decided under the lane's mutex and is done after it was left: asynchronous calls are completed, a worker is
// woken, which might take the core from who holds the mutex. One thread.
class Completions {
  public:
    bool empty() const noexcept {
        return first_ == nullptr && bell_ == nullptr && reader_word_ == nullptr && supervisor_ == nullptr;
    }
    void add(std::unique_ptr<AsyncWaiter> call);
    // Change a word of the lane's now: a bell in its outbox; the one its reader waits on, if there is one. Who waits is
    // woken after that. By then the outbox may have been replaced and unmapped: so whoever was to be woken has served
    // or is dead, and the kernel, which alone looks at the address, wakes nobody, or somebody who looks again and
    // sleeps on.
    void ring(std::atomic<std::uint32_t>& bell);
    void wake_reader(Callers& callers);
    // It sleeps longer than it may now. Poked after everybody else.
    void poke_after(const Supervisor& supervisor) { supervisor_ = &supervisor; }
    // Of those who sleep; run() does it too.
    void wake();
    void run(Lane& lane) {
        if (!empty()) {
            run_all(lane);
        }
    }

  private:
    void run_all(Lane& lane);

    std::unique_ptr<AsyncWaiter> first_;
    AsyncWaiter* last_ = nullptr;
    std::atomic<std::uint32_t>* bell_ = nullptr;  // whoever waits on these is to be woken
    std::atomic<std::uint32_t>* reader_word_ = nullptr;
    const Supervisor* supervisor_ = nullptr;
};

}  // namespace bulkhead::detail
