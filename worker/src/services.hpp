// What the worker does for the plugin: the functions behind bulkhead_services.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/transport/worker_outbox.hpp"
#include "open_call.hpp"
#include "reply_outbox.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {

class Checkpoints;

// Owned by the worker's main function; lives until the process ends. Any thread. The ABI's functions have no
// context argument, so the one object of a process is known to services.cpp from its construction on.
class Services {
  public:
    Services(transport::WorkerOutbox& outbox, const SignalEvent& signal, ReplyOutbox& replies, OpenCalls& calls,
             std::uint64_t payload_limit, std::string directory);
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

    const bulkhead_services& table() const noexcept;

    void log(std::uint32_t level, std::string_view text) noexcept;
    void reply(bulkhead_call* handle, const void* data, std::size_t size) noexcept;
    void* reply_buffer(bulkhead_call* handle, std::size_t size) noexcept;
    void commit_reply(bulkhead_call* handle, std::size_t size) noexcept;
    void fail(bulkhead_call* handle, std::int32_t number, std::string_view text) noexcept;

    // Before the plugin is destroyed: fails the calls that are still open. From now on whatever the plugin does with
    // a call is ignored, silently. [main-thread]
    void close_calls() noexcept;
    // Who answers write_state and request_checkpoint. Before the plugin is created.
    void use(Checkpoints& checkpoints) noexcept { checkpoints_ = &checkpoints; }
    Checkpoints& checkpoints() noexcept { return *checkpoints_; }
    OpenCalls& calls() noexcept { return calls_; }
    const char* directory() const noexcept { return directory_.c_str(); }

  private:
    // The open call, or null after a complaint about `function`.
    OpenCall* find(const bulkhead_call* handle, const char* function) noexcept;
    void complain_of_second_answer(const char* function) noexcept;
    // False, after a complaint: it came second.
    bool answer(OpenCall& call, transport::Message& message, const char* function) noexcept;
    void answer_with_copy(OpenCall& call, transport::Message& message, const void* data, std::size_t size,
                          const char* function) noexcept;

    transport::WorkerOutbox& outbox_;
    const SignalEvent& signal_;
    ReplyOutbox& replies_;
    OpenCalls& calls_;
    std::uint64_t payload_limit_;
    std::string directory_;
    std::mutex log_mutex_;
    std::atomic<bool> closed_{false};
    Checkpoints* checkpoints_ = nullptr;
};

}  // namespace bulkhead::worker
