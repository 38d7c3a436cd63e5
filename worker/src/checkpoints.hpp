// When and how the plugin's state is saved.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/transport/checkpoint.hpp"
#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/waiting.hpp"
#include "order.hpp"
#include "plugin_instance.hpp"
#include "reply_outbox.hpp"
#include "services.hpp"

namespace bulkhead::worker {

// Takes checkpoints at quiet points: on the main thread, when no method is running. With `every_calls` of 1 each answer
// is held until a checkpoint that contains it is complete, so what an answer says is never lost. Owned by the worker's
// main function; [main-thread] but for request().
class Checkpoints {
  public:
    Checkpoints(const transport::HostOutboxView& host, transport::WorkerOutbox& outbox, const SignalEvent& signal,
                const PluginInstance& instance, ReplyOutbox& replies, Services& services, const CheckpointRule& rule);

    // False: there is no state, and nothing here ever does anything.
    bool active() const noexcept { return active_; }

    // The plugin is about to serve from this position on.
    void begin(std::uint64_t position) noexcept;
    // Requests below `position` have been taken, whatever becomes of the last one: its answer counts from now on.
    void took(std::uint64_t position) noexcept { position_ = position; }
    // A call was run.
    void after_call() noexcept;
    // Something waits for a checkpoint: an answer of another thread, a request of the plugin, the clock.
    bool is_due() const noexcept;
    // When it will be the clock's turn.
    transport::SteadyTime due_at() const noexcept { return due_at_; }
    void take() noexcept;

    // [any-thread] services.request_checkpoint
    void request() noexcept;
    // services.write_state, while take() is in the plugin's save.
    bool write(const void* data, std::size_t size) noexcept;

  private:
    void report_failure(const std::string& sentence) noexcept;

    const SignalEvent& signal_;
    const PluginInstance& instance_;
    ReplyOutbox& replies_;
    Services& services_;
    const CheckpointRule rule_;
    const bool active_;
    transport::CheckpointWriter writer_;
    const std::thread::id main_thread_ = std::this_thread::get_id();
    bool saving_ = false;  // [main-thread]
    bool overflow_ = false;
    std::uint64_t start_ = 0;
    std::uint64_t position_ = 0;
    std::uint32_t calls_since_ = 0;
    transport::SteadyTime due_at_ = transport::kNoDeadline;
    std::atomic<bool> requested_{false};
};

}  // namespace bulkhead::worker
