// Plays the part of a lane of the host: a host outbox, and workers that serve it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/waiting.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "support/guard_process.hpp"

namespace bulkhead::worker::test {

// What a worker shall run. Library names are files in the folder of the test plugins.
struct WorkerOrder {
    std::string library = "libversatile.so";
    std::vector<std::string> dependencies = {};
    std::string json_members = {};            // further members of the order, each with a comma before it
    std::optional<std::uint64_t> start = {};  // told beforehand: it serves from there as soon as it is ready
};

// One worker as its host sees it. The process is killed when this goes.
class TestWorker {
  public:
    TestWorker() = default;
    TestWorker(TestWorker&&) = default;
    TestWorker& operator=(TestWorker&&) = default;
    ~TestWorker();

    transport::Life life() const;
    // Waits until life is one of ready, refused or stopped, or the worker is dead.
    transport::Life await_settled() const;
    std::string failure() const;
    std::uint32_t method(std::string_view name) const;
    // All that was written to stdout and stderr until the worker closed them.
    std::string read_output() const;
    std::vector<std::string> log_lines() const;

    pid_t pid = 0;
    std::uint32_t incarnation = 0;
    std::uint32_t cell = 0;
    transport::Descriptor process;  // pidfd
    transport::Descriptor output;   // read end
    transport::Descriptor signal;   // read end
    transport::WorkerOutboxView outbox;
    transport::RingReader replies;
};

// Reads what is there.
void drain(const transport::Descriptor& pipe);

struct Answer {
    transport::Kind kind{};
    std::uint64_t call_id = 0;
    std::int32_t status = 0;
    std::string payload;
};

struct CallOptions {
    std::uint64_t deadline = 0;
    std::optional<std::string> trace_id = {};  // 16 bytes
};

class TestLane {
  public:
    explicit TestLane(GuardProcess& guard, const transport::ChannelLimits& limits = {});

    // Sends the order and waits until the process runs.
    TestWorker start(const WorkerOrder& order = {});
    // The same, and waits until it is ready to serve from here.
    TestWorker start_serving(const WorkerOrder& order = {});

    void take_over(TestWorker& worker, std::uint64_t start);
    void shut_down(TestWorker& worker);
    void stop_at(TestWorker& worker, std::uint64_t position);

    // Publishes a request; returns its call id.
    std::uint64_t publish(TestWorker& worker, std::string_view method, std::string_view payload,
                          const CallOptions& options = {});
    // Publishes, waits parked, takes the answer and releases it.
    Answer call(TestWorker& worker, std::string_view method, std::string_view payload, const CallOptions& options = {});
    Answer await_answer(TestWorker& worker);
    // Takes an answer that is there; does not release its slab block.
    std::optional<Answer> try_take(TestWorker& worker);
    void release(TestWorker& worker, std::uint64_t call_id);
    void cancel(std::uint64_t call_id);
    void wake(TestWorker& worker);

    transport::HostOutbox& outbox() { return outbox_; }
    transport::WorkerCell& cell(const TestWorker& worker) { return outbox_.worker_cell(worker.cell); }

  private:
    GuardProcess& guard_;
    transport::HostOutbox outbox_;
    std::vector<std::uint64_t> generations_;
    std::vector<std::optional<std::uint64_t>> blocks_;
    std::vector<std::uint32_t> free_slots_;
    std::uint32_t next_incarnation_ = 0;
};

}  // namespace bulkhead::worker::test
