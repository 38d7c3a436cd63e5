// Tells the host how far this worker has come.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/transport/worker_outbox.hpp"
#include "refusal.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {

// Writes the life-cycle line of the worker outbox. [main-thread]
class LifeReport {
  public:
    LifeReport(transport::WorkerOutbox& outbox, const SignalEvent& signal) noexcept
        : outbox_(outbox), signal_(signal) {}

    // `step` completes "the worker died ..." and is what the host says when nothing follows.
    void loading(std::string_view step) noexcept;
    // Describes the methods; from now on the worker may serve. `traits` are transport::WorkerTraits. Wakes nobody:
    // announce() does, where the worker has to be told to start, or when its first call has been served, which has
    // waited long enough.
    void ready(const std::vector<bulkhead_method>& methods, std::uint32_t traits) noexcept;
    // The plugin loads the state, or is being activated.
    void restoring() noexcept;
    void activating() noexcept;
    void serving() noexcept;
    void announce() noexcept { signal_.raise(); }
    void handed_over() noexcept;
    // The worker will not serve. Ends the process without running anything of the plugin.
    [[noreturn]] void refused(const Refusal& refusal) noexcept;
    // The same, because of the state that it was to load.
    [[noreturn]] void state_refused(const Refusal& refusal) noexcept;
    void stopped() noexcept;

  private:
    void enter(transport::Life life) noexcept;
    void enter(transport::Life life, std::string_view step) noexcept;
    // Without waking the host.
    void note(transport::Life life, std::string_view step) noexcept;
    void set(transport::Life life) noexcept;
    [[noreturn]] void give_up(transport::Life life, const Refusal& refusal) noexcept;

    transport::WorkerOutbox& outbox_;
    const SignalEvent& signal_;
};

}  // namespace bulkhead::worker
