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
    // Describes the methods; from now on the worker may be told to serve.
    void ready(const std::vector<bulkhead_method>& methods) noexcept;
    // The worker will not serve. Ends the process without running anything of the plugin.
    [[noreturn]] void refused(const Refusal& refusal) noexcept;
    void stopped() noexcept;

  private:
    void enter(transport::Life life) noexcept;

    transport::WorkerOutbox& outbox_;
    const SignalEvent& signal_;
};

}  // namespace bulkhead::worker
