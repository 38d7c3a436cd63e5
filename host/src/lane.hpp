// One plugin at work: its host outbox, its calls and the worker that serves them now.
#pragma once

#include <bulkhead/transport/host_outbox.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "bulkhead/host/completion.hpp"
#include "bulkhead/host/plugin.hpp"
#include "launcher.hpp"
#include "log_relay.hpp"
#include "pending_calls.hpp"
#include "release.hpp"
#include "runtime.hpp"
#include "session_pin.hpp"
#include "worker_process.hpp"

namespace bulkhead::detail {

// A caller that blocks until its call has an outcome.
struct SyncWaiter : Waiter {
    static constexpr std::uint32_t kWaiting = 0;
    static constexpr std::uint32_t kDone = 1;
    static constexpr std::uint32_t kPromoted = 2;  // it is the reader now

    std::atomic<std::uint32_t> word{kWaiting};
    SyncWaiter* previous = nullptr;  // among the lane's sleepers
    SyncWaiter* next = nullptr;
};

// A call whose outcome goes to a handler. Owned by its PendingCall, then by a Completions list.
struct AsyncWaiter : Waiter {
    std::unique_ptr<Completion> completion;
    std::shared_ptr<CancelTicket> ticket;
    std::string method;
    std::uint64_t call_id = 0;
    std::unique_ptr<AsyncWaiter> next;
};

class Lane;

// Asynchronous calls that were decided under the lane's mutex; completed after it was left. One thread.
class Completions {
  public:
    bool empty() const noexcept { return first_ == nullptr; }
    void add(std::unique_ptr<AsyncWaiter> call);
    void run(Lane& lane);

  private:
    std::unique_ptr<AsyncWaiter> first_;
    AsyncWaiter* last_ = nullptr;
};

// A lane lives from load to unload; Plugin handles share it. Calls come from any thread; the life of workers
// is managed on the supervisor thread; the mutex is what they meet at. The host outbox outlives workers.
//
//   starting --ready--> serving --death--> starting --too many--> failed
//      any --unload--> stopped
class Lane : public LaunchListener, public std::enable_shared_from_this<Lane> {
  public:
    using SessionRef = std::shared_ptr<SessionPin>;

    static result<std::shared_ptr<Lane>> create(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release);
    ~Lane() override;

    const Release& release() const noexcept { return *release_; }
    Stats stats();
    PluginStatus status();
    // Where handlers without an executor of their own run. While the returned object lives, the host's end waits for
    // it; after that end it is Asio's system executor, unless the server named one.
    boost::asio::any_io_executor callback_executor();

    // ---- calls: any thread (lane_calls.cpp, lane_async.cpp, lane_waiting.cpp)
    // `session` may be null.
    result<Bytes> call(const SessionRef& session, std::string_view method, std::span<const std::byte> request,
                       const CallOptions& options);
    void start_call(const SessionRef& session, std::string_view method, std::vector<std::byte> request,
                    const CallOptions& options, std::unique_ptr<Completion> completion,
                    const std::shared_ptr<CancelTicket>& ticket);
    void cancel(std::uint64_t call_id);
    void cancel(const CancelTicket& ticket);
    bool lost(const SessionPin& session);
    // Turns what became of a call into what its caller sees. Copies large replies out. Without the mutex.
    result<Bytes> conclude(std::uint64_t call_id, std::string_view method, Outcome& outcome);

    // ---- life (lane.cpp)
    // Starts the first worker and waits until it is ready. Any thread but the supervisor's.
    std::optional<Error> start_and_wait();
    // Ends all calls as `stopped` and asks the worker to shut down. Any thread.
    void begin_stop();
    // Waits until no process is left; kills after supervision.stop, gives up after a while. Any thread but the
    // supervisor's.
    void finish_stop();

    void on_started(std::uint64_t start_id, transport::Descriptor pidfd) override;
    void on_start_failed(std::uint64_t start_id, int error) override;
    void on_exited(const transport::ExitedMessage& exit) override;
    void on_status_lost(std::uint64_t start_id) override;

  private:
    enum class State { starting, serving, failed, stopped };
    using Lock = std::unique_lock<std::mutex>;
    using WorkerRef = std::shared_ptr<WorkerProcess>;

    // A call that was found in order.
    struct Submission {
        std::uint16_t method = 0;
        transport::SteadyTime begin;
        transport::SteadyTime deadline;
        SessionRef session;
    };
    // An asynchronous one that waits for room.
    struct Deferred {
        Submission submission;
        std::vector<std::byte> request;
        CallOptions options;
        std::unique_ptr<AsyncWaiter> waiter;
    };
    struct Admission {
        PendingCall* call = nullptr;
        std::optional<ErrorCode> refused;
    };

    Lane(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release);

    // ---- lane_calls.cpp
    std::optional<ErrorCode> examine(std::string_view method, std::size_t request_size, const CallOptions& options,
                                     Submission& submission);
    Admission place(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                    const CallOptions& options, Waiter& waiter);
    std::optional<ErrorCode> closed(const SessionRef& session) const;
    Admission admit(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                    const CallOptions& options);
    void copy_request(Lock& lock, PendingCall& call, std::span<const std::byte> request);
    void publish(PendingCall& call);
    bool has_ring_room();

    // ---- lane_results.cpp
    Error refusal(const Lock& lock, const Submission& submission, std::string_view method, ErrorCode code,
                  std::size_t request_size);
    Error error_of(std::string_view method, const Outcome& outcome, std::string_view detail = {}) const;

    // ---- lane_async.cpp
    std::optional<ErrorCode> try_start(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                                       const CallOptions& options, std::unique_ptr<AsyncWaiter>& waiter);
    void start_deferred();
    void refuse_deferred(Deferred deferred, ErrorCode code, Completions& done);
    void refuse_all_deferred(ErrorCode code, Completions& done);
    transport::SteadyTime expire_deferred(transport::SteadyTime now, Completions& done);

    // ---- lane_outcomes.cpp
    void count(const Outcome& outcome, transport::SteadyTime begin);
    void decide(PendingCall& call, Outcome outcome, Completions& done);
    void settle(PendingCall& call, const transport::Message& message, Completions& done);
    void expire(PendingCall& call, ErrorCode code, Completions& done, std::shared_ptr<const Report> report = nullptr);
    bool lost_with(const WorkerProcess& dead, const PendingCall& call) const;
    void decide_all(ErrorCode code, const std::shared_ptr<const Report>& report, Completions& done);
    void maybe_free(PendingCall& call);
    void announce_room();
    void release_reply(WorkerProcess& worker, std::uint64_t call_id);
    Effect effect_of(const PendingCall& call);
    std::uint64_t refresh_begun(WorkerProcess& worker);
    void accuse(WorkerProcess& worker, const char* rule);

    // ---- lane_waiting.cpp
    void enlist(SyncWaiter& waiter);
    void unlink(SyncWaiter& waiter);
    void await(Lock& lock, SyncWaiter& waiter, std::uint64_t call_id, transport::SteadyTime deadline,
               Completions& done);
    void look(Lock& lock, transport::SteadyTime deadline);
    void drain(Completions& done);
    void pass_reader_on(Completions& done);
    void let_supervisor_read(Completions& done);
    void set_host_waits(std::uint32_t how);
    void wake_reader();
    void watch_deadline(transport::SteadyTime when);

    // ---- lane_start.cpp, supervisor thread
    void order_worker();
    std::error_code prepare(WorkerProcess& worker) const;
    void on_shortage(const std::string& why);
    WorkerRef find_worker(std::uint64_t start_id);
    static void stop_watching(Supervisor& supervisor, WorkerProcess& worker);
    void on_signal(const WorkerRef& worker);
    void on_life(const WorkerRef& worker, Completions& done);
    void take_over(Completions& done);
    void drop_unstarted();

    // ---- lane_death.cpp, supervisor thread
    void on_pidfd(const WorkerRef& worker);
    void on_gone(const WorkerRef& worker);
    void bury(const WorkerRef& worker);
    void settle_succession(const WorkerRef& dead, const std::shared_ptr<Report>& report, Completions& done);
    void inherit(WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done);
    bool restart_limit_reached(transport::SteadyTime now);
    void replace_worker(WorkerProcess& dead);
    void fail(const std::string& sentence, const std::shared_ptr<const Report>& report, Completions& done);

    // ---- lane_time.cpp, supervisor thread
    static constexpr std::chrono::milliseconds kStatusPatience{100};  // for the exit status of a worker that is gone
    void on_timer();
    transport::SteadyTime check_calls(transport::SteadyTime now, Completions& done);
    transport::SteadyTime check_hang(WorkerProcess& worker, transport::SteadyTime now);

    // ---- lane_evidence.cpp, supervisor thread
    static std::string step_of(const WorkerProcess& worker);
    std::optional<std::string> learn_methods(const WorkerProcess& worker);
    void read_output(const WorkerRef& worker);
    void read_log(const WorkerRef& worker);
    std::shared_ptr<Report> make_report(WorkerProcess& worker);
    const PendingCall* running_call(WorkerProcess& worker);
    void tell_death(const std::shared_ptr<const Report>& report);

    const std::shared_ptr<Runtime> runtime_;
    const std::shared_ptr<Release> release_;
    Supervisor::Id timer_ = 0;
    LogRelay log_;

    std::mutex mutex_;  // guards all below
    State state_ = State::starting;
    transport::HostOutbox outbox_;
    PendingCalls calls_;
    WorkerRef serving_;              // its start position is published
    WorkerRef coming_;               // ordered; stands by when ready
    std::uint64_t served_from_ = 0;  // positions below it have begun in workers that are gone
    std::uint32_t incarnations_ = 0;
    std::deque<transport::SteadyTime> restart_times_;
    transport::SteadyTime order_again_at_ = transport::kNoDeadline;
    transport::SteadyTime armed_ = transport::kNoDeadline;
    std::shared_ptr<const Report> last_report_;
    std::string failure_;  // why it is failed
    bool first_start_over_ = false;
    Stats stats_;

    SyncWaiter* reader_ = nullptr;  // the one thread that waits on the worker's bell
    SyncWaiter* first_sleeper_ = nullptr;
    SyncWaiter* last_sleeper_ = nullptr;
    std::uint32_t host_waits_ = transport::kHostLooks;  // what the serving worker's cell says
    std::atomic<std::uint32_t> reader_word_{0};         // changed to make the reader look up from the ring
    std::condition_variable_any room_;                  // a call's entry became free
    std::size_t room_waiters_ = 0;
    std::deque<Deferred> deferred_;
    bool deferred_start_posted_ = false;
    transport::SteadyTime stop_by_;  // then a stopped lane's workers are killed
    std::condition_variable life_;   // the first start is over, or a process is gone
};

}  // namespace bulkhead::detail
