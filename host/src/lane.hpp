// One plugin at work: its host outbox, its calls and the worker that serves them now.
#pragma once

#include <bulkhead/transport/host_outbox.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "bulkhead/host/plugin.hpp"
#include "bulkhead/host/repro.hpp"
#include "bulkhead/host/request_buffer.hpp"
#include "bulkhead/host/untrusted_view.hpp"
#include "call_clock.hpp"
#include "callers.hpp"
#include "completions.hpp"
#include "lane_times.hpp"
#include "large_memory.hpp"
#include "launcher.hpp"
#include "log_relay.hpp"
#include "pending_calls.hpp"
#include "release.hpp"
#include "runtime.hpp"
#include "session_pin.hpp"
#include "state_claim.hpp"
#include "state_writer.hpp"
#include "submission.hpp"
#include "worker_process.hpp"

namespace bulkhead::detail {

// A lane lives from load to unload; Plugin handles share it. Calls come from any thread; the life of workers is managed
// on the supervisor thread, but a caller that reads the replies acts on the first word of a death itself; the mutex is
// what they meet at. The host outbox outlives workers.
//
//                    +--------death---------+
//                    v                      |
//   (load) ----> starting ---serving---> running ---stop---> stopping ----> stopped
//                 ^    |  \                                                    |
//      time is up |    |   +--too many--> fatal --reset--+                     |
//                 |    v                                 v                     |
//                backoff                             starting <-----start------+
//
//   any --unload--> stopped, for good
class Lane : public LaunchListener, public std::enable_shared_from_this<Lane> {
  public:
    using SessionRef = std::shared_ptr<SessionPin>;

    // `state`, when not null, is what its first worker loads; else what state.path holds.
    static result<std::shared_ptr<Lane>> create(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release,
                                                const SavedState* state = nullptr);
    ~Lane() override;

    const Release& release() const noexcept { return *release_; }
    Stats stats();
    PluginStatus status();
    // ---- what Plugin's functions of the same names do (lane_control.cpp)
    std::optional<Error> stop();
    std::optional<Error> start();
    std::optional<Error> restart();
    void reset();
    boost::asio::any_io_executor callback_executor() const;

    // ---- calls: any thread (lane_calls.cpp, lane_async.cpp, lane_waiting.cpp)
    // The number of a method, so that its calls need not look for it.
    std::optional<std::uint16_t> number_of(std::string_view method);
    // `session` may be null. `number`, when the method's number is known.
    result<Bytes> call(const SessionRef& session, std::string_view method, std::span<const std::byte> request,
                       const CallOptions& options, std::optional<std::uint16_t> number = std::nullopt);
    void start_call(const SessionRef& session, std::string_view method, std::optional<std::uint16_t> number,
                    std::span<const std::byte> request, const CallOptions& options,
                    std::unique_ptr<Completion> completion, const std::shared_ptr<CancelTicket>& ticket);
    // ---- in place: any thread (lane_in_place.cpp). A request buffer is used up.
    result<RequestBuffer> prepare(const SessionRef& session, std::string_view method, std::size_t size,
                                  const CallOptions& options);
    result<Bytes> call(const SessionRef& session, RequestBuffer& request, const CallOptions& options);
    result<UntrustedView> call_in_place(const SessionRef& session, RequestBuffer& request, const CallOptions& options);
    result<UntrustedView> call_in_place(const SessionRef& session, std::string_view method,
                                        std::span<const std::byte> request, const CallOptions& options);
    void drop(PendingCall& call);
    void release_view(WorkerProcess& worker, std::uint64_t call_id);

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

    void on_chosen(std::uint64_t start_id, std::int32_t pid) override;
    void on_started(std::uint64_t start_id, std::int32_t pid, transport::Descriptor pidfd) override;
    void on_start_failed(std::uint64_t start_id, int error) override;
    void on_exited(std::uint64_t start_id, const transport::ExitedMessage& exit) override;
    void on_status_lost(std::uint64_t start_id) override;

  private:
    using State = PluginState;
    using Lock = std::unique_lock<std::mutex>;
    using WorkerRef = std::shared_ptr<WorkerProcess>;

    Lane(std::shared_ptr<Runtime> runtime, std::shared_ptr<Release> release);
    void begin_end(Completions& done);
    void await_end(Lock& lock);
    void dismiss(const WorkerRef& worker);

    // ---- lane_calls.cpp
    std::optional<ErrorCode> examine(std::string_view method, std::optional<std::uint16_t> number,
                                     std::size_t request_size, const CallOptions& options, Submission& submission);
    Admission place(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                    const CallOptions& options, Waiter& waiter);
    bool is_lost(const SessionRef& session) const;
    std::optional<ErrorCode> closed(const Submission& submission) const;
    Admission admit(Lock& lock, const Submission& submission, std::size_t block_size, const CallOptions& options);
    void describe(PendingCall& call, const Submission& submission, std::size_t size, const CallOptions& options,
                  Waiter& waiter);
    std::optional<Error> perform(const SessionRef& session, std::string_view method,
                                 std::optional<std::uint16_t> number, std::span<const std::byte> request,
                                 const CallOptions& options, SyncWaiter& waiter, std::uint64_t& id);
    void see_through(Lock& lock, PendingCall& call, std::span<const std::byte> request, SyncWaiter& waiter,
                     const CallOptions& options, Completions& done) noexcept;
    void copy_request(Lock& lock, PendingCall& call, std::span<const std::byte> request);
    bool publish(PendingCall& call, std::span<const std::byte> small = {});
    void publish_put_off();
    void publish_now(PendingCall& call, std::span<const std::byte> small);
    void announce();
    bool has_ring_room();

    // ---- lane_in_place.cpp
    void abandon(PendingCall& call);
    std::optional<Error> perform(const SessionRef& session, RequestBuffer& request, const CallOptions& options,
                                 SyncWaiter& waiter, std::uint64_t& id, std::string& method);
    result<UntrustedView> view(std::uint64_t call_id, std::string_view method, Outcome& outcome);
    bool grant_view(const transport::Message& message);
    void let_go(WorkerProcess& worker, std::uint64_t call_id);

    // ---- lane_memory.cpp
    transport::HostOutbox& outbox_of(WorkerProcess& worker);
    void note_request(std::uint64_t block, std::uint64_t size, transport::SteadyTime now);
    void note_reply(WorkerProcess& worker, const transport::Message& message);
    Bytes bytes_for_reply(std::size_t size);
    bool has_much_memory() const;
    void prepare_fresh_outbox(WorkerProcess& worker);
    bool may_move();
    void give_up_moving();
    bool move_to_outbox_of(WorkerProcess& worker);
    transport::SteadyTime check_memory(transport::SteadyTime now);

    // ---- lane_results.cpp
    Error refusal(const Lock& lock, const Submission& submission, std::string_view method, ErrorCode code,
                  std::size_t request_size);
    Error error_of(std::string_view method, const Outcome& outcome, std::string_view detail = {}) const;

    // ---- lane_async.cpp
    std::optional<ErrorCode> try_start(Lock& lock, const Submission& submission, std::span<const std::byte> request,
                                       const CallOptions& options, std::unique_ptr<AsyncWaiter>& waiter);
    void defer(const Submission& submission, std::span<const std::byte> request, const CallOptions& options,
               std::unique_ptr<AsyncWaiter> waiter);
    void start_deferred();
    void refuse_deferred(Deferred deferred, ErrorCode code, Completions& done);
    void refuse_all_deferred(ErrorCode code, Completions& done);
    transport::SteadyTime expire_deferred(transport::SteadyTime now, Completions& done);

    // ---- lane_outcomes.cpp
    void count(const Outcome& outcome, transport::SteadyTime begin);
    void decide(PendingCall& call, Outcome outcome, Completions& done);
    void finish(PendingCall& call, Completions& done);
    void settle(WorkerProcess& worker, PendingCall& call, const transport::Message& message, Completions& done);
    void lose_calls_behind(const WorkerProcess& worker);
    void expire(PendingCall& call, ErrorCode code, Completions& done, std::shared_ptr<const Report> report = nullptr);
    void withdraw(PendingCall& call);
    void decide_all(ErrorCode code, const std::shared_ptr<const Report>& report, Completions& done);
    void refuse_waiting(const std::shared_ptr<const Report>& report, Completions& done);
    bool pass_over_decided();
    void publish_again(std::uint64_t from);
    void maybe_free(PendingCall& call);
    void announce_room();
    void release_reply(WorkerProcess& worker, std::uint64_t call_id);
    bool may_have_begun(const PendingCall& call);
    bool is_with_worker(const PendingCall& call);
    std::uint64_t refresh_begun(WorkerProcess& worker);
    void accuse(WorkerProcess& worker, const char* rule);

    // ---- lane_waiting.cpp
    void enlist(SyncWaiter& waiter, transport::SteadyTime begin);
    void leave(SyncWaiter& waiter, Completions& done);
    void end_overdue_turn(transport::SteadyTime now, Completions& done);
    void await(Lock& lock, SyncWaiter& waiter, std::uint64_t call_id, transport::SteadyTime deadline,
               Completions& done);
    void look(Lock& lock, transport::SteadyTime deadline, Completions& done);
    void drain(Completions& done);
    void drain(WorkerProcess& worker, Completions& done);
    bool nobody_reads() const;
    void let_supervisor_read(Completions& done);
    void set_host_waits(std::uint32_t how);
    void watch_deadline(transport::SteadyTime when);
    void watch_deadline(transport::SteadyTime when, Completions& done);  // pokes the supervisor after all else

    // ---- lane_reading.cpp, supervisor thread
    enum class Reading : std::uint8_t { nothing_expected, something_came, may_come };
    void read_for_a_while(const WorkerRef& worker);
    Reading read_on_supervisor(const WorkerRef& worker, Completions& done, transport::SteadyTime& now,
                               transport::RingReader& next);
    void stop_reading(const WorkerRef& worker);
    void run_handlers(Completions& done);

    // ---- lane_start.cpp, supervisor thread
    void order_worker();
    std::optional<int> begin_start(WorkerRef& worker, Completions& done);
    LaunchOrder order_for(const WorkerRef& worker, int host_outbox);
    bool wants_worker() const;
    std::optional<std::uint32_t> free_cell(std::uint32_t incarnation) const;
    std::error_code prepare(WorkerProcess& worker) const;
    void on_shortage(const std::string& why, Completions& done);
    WorkerRef find_worker(std::uint64_t start_id);
    Supervisor::Id watch(const WorkerRef& worker, const transport::Descriptor& descriptor,
                         void (Lane::*handler)(const WorkerRef&));
    static void stop_watching(Supervisor& supervisor, WorkerProcess& worker);
    void on_output(const WorkerRef& worker);
    void on_signal(const WorkerRef& worker);
    void on_life(const WorkerRef& worker, Completions& done);
    bool note_ready(WorkerProcess& worker);
    bool is_readable() const;
    bool may_read(WorkerProcess& worker);
    void drop_unstarted();

    // ---- lane_succession.cpp: under the mutex, on the supervisor thread or on that of the caller that reads
    void take_over(Completions& done);
    void on_serving(WorkerProcess& worker);
    void step_down(Completions& done);
    void begin_handover();
    void on_handed_over(Completions& done);
    void note_way_out(WorkerProcess& dead);
    void on_crash_notice(Completions& done);
    void on_death_notice(Lock& lock, Completions& done);
    bool may_serve_on(const WorkerProcess& worker) const;
    void replace_serving(Completions& done);
    bool may_take_over() const;
    bool is_vacant() const;
    bool may_be_the_end(const WorkerProcess& former) const;
    void order_early(const WorkerProcess& worker);
    void order_soon();
    void order_at(transport::SteadyTime when);
    void order_next();

    // ---- lane_death.cpp, supervisor thread: all that a death leads to but the change of workers
    void watch_death(const WorkerRef& worker);
    void on_gone(const WorkerRef& worker);
    void bury(const WorkerRef& worker);
    void on_blank_lost(const WorkerRef& worker, Completions& done);
    void forget(const WorkerRef& worker);
    void note_if_stopped();
    void settle_succession(WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done);
    void follow(const RestartDecision& decision, const WorkerProcess& dead, const std::shared_ptr<const Report>& report,
                Completions& done);
    RestartDecision decide_on(WorkerEnd end, bool served, transport::SteadyTime died_at);
    void go_on_without_successor(const std::string& why, const std::shared_ptr<const Report>& report);
    static WorkerEnd end_of(const WorkerProcess& dead, const Report& report);
    void settle_begun(WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done);
    bool may_repeat(const WorkerProcess& dead, const PendingCall& call) const;
    void repeat(const std::vector<PendingCall*>& calls, bool culprit_unknown);
    void lose_sessions(const WorkerProcess& dead, const std::shared_ptr<const Report>& report, Completions& done);
    void fail(const std::string& sentence, const std::shared_ptr<const Report>& report, Completions& done);

    // ---- lane_suspects.cpp: requests that kill
    RequestKey key_of(const Submission& submission, std::span<const std::byte> request) const;
    RequestKey key_of(const PendingCall& call) const;
    bool is_blamed(const Report& report) const;
    PendingCall* culprit(const WorkerProcess& dead);
    bool charge(const PendingCall& call, transport::SteadyTime now);
    bool is_quarantined(const Submission& submission, std::span<const std::byte> request);
    void publish_next_suspect();

    // ---- lane_state.cpp
    std::optional<std::string> restore_state();
    std::optional<std::string> begin_with(std::uint32_t version, std::span<const std::byte> state);
    std::optional<std::string> keep_state_on_disk();
    std::optional<StoredState> committed_state();
    bool absorb_checkpoint(WorkerProcess& worker);
    bool commit_checkpoint(WorkerProcess& worker, std::uint64_t needed);
    bool is_in_checkpoint(const WorkerProcess& worker, const PendingCall& call) const;
    bool blames_state(const WorkerProcess& dead, const Report& report);
    void put_state_aside(const std::string& why);

    // ---- lane_control.cpp
    void enter(State next, std::string_view reason, std::shared_ptr<const Report> report = nullptr) noexcept;
    void tell_event(State former, std::string_view reason, std::shared_ptr<const Report> report) noexcept;
    std::optional<Error> wait_for_start(Lock& lock);
    bool is_changing() const;
    std::optional<transport::SteadyTime> next_try() const;
    std::string name_for_sentence() const { return "plugin " + release_->manifest.name; }

    // ---- lane_time.cpp, supervisor thread
    void on_timer();
    transport::SteadyTime check_calls(transport::SteadyTime now, Completions& done);
    bool note_progress(WorkerProcess& worker, transport::SteadyTime now);
    transport::SteadyTime check_hang(WorkerProcess& worker, transport::SteadyTime now);
    bool is_answer_kept_back(PendingCall& call, const WorkerProcess& worker);
    transport::SteadyTime check_start(transport::SteadyTime now, Completions& done);
    std::vector<WorkerRef> workers() const;
    transport::SteadyTime check_lives(transport::SteadyTime now, std::vector<WorkerRef>& overdue);
    transport::SteadyTime check_recycling(transport::SteadyTime now);
    void plan_recycling();
    void recycle();
    DueCall check_unlimited(WorkerProcess& worker, std::uint64_t begun, transport::SteadyTime now);
    static transport::SteadyTime end_overdue(WorkerProcess& worker, Cause why, std::string explanation,
                                             transport::SteadyTime now);

    // ---- lane_evidence.cpp, supervisor thread
    std::optional<std::string> learn_methods(const WorkerProcess& worker);
    void read_output(const WorkerRef& worker);
    void read_log(const WorkerRef& worker);
    std::shared_ptr<Report> make_report(WorkerProcess& worker);
    void tell_calls(Report& report, const WorkerProcess& worker);
    std::vector<RecentCall> recent_calls(const WorkerProcess& worker, std::uint64_t running);
    static bool was_in_calls(const WorkerProcess& worker);
    PendingCall* claimed_call(const WorkerProcess& worker);
    const PendingCall* running_call(const WorkerProcess& worker);
    std::vector<PendingCall*> begun_calls(const WorkerProcess& worker);
    std::shared_ptr<Report> describe_death(WorkerProcess& worker);
    void log_end(const WorkerProcess& worker, const Report& report);
    void tell_death(const WorkerProcess& worker, const std::shared_ptr<const Report>& report);

    // ---- lane_repro.cpp, supervisor thread
    void save_repro(Report& report, const WorkerProcess& dead);
    Repro repro_of_life() const;
    void note_call(const PendingCall& call, Repro& repro) const;

    const std::shared_ptr<Runtime> runtime_;
    const std::shared_ptr<Release> release_;
    const pid_t owner_;                           // a child that it forks inherits handles, but nothing behind them
    const std::chrono::nanoseconds spin_budget_;  // so long its callers and workers look before they sleep
    Supervisor::Id timer_ = 0;
    LogRelay log_;
    ReplyMemory reply_memory_;
    StateClaim state_claim_;
    StateWriter::TargetRef state_on_disk_;  // null: the manifest has no state.path

    std::mutex mutex_;  // guards all below
    State state_ = State::starting;
    bool unloaded_ = false;   // stopped for good
    bool start_over_ = true;  // no load or start() is in progress
    transport::HostOutbox outbox_;
    PendingCalls calls_;
    WorkerRef serving_;               // its start position is published
    WorkerRef coming_;                // ordered, or ready: the one that takes over next
    std::vector<WorkerRef> leaving_;  // they serve no more; what had begun in them is not settled, or they still end
    std::uint64_t served_from_ = 0;   // positions below it have begun in workers that serve no more
    bool handover_wanted_ = false;    // recycling, memory or restart(): a fresh worker shall replace the serving one
    std::uint32_t incarnations_ = 0;
    RestartPolicy policy_;
    Quarantine quarantine_;
    std::deque<std::uint64_t> suspects_;  // ids of begun calls that are tried again one at a time
    std::mt19937_64 random_;
    std::uint32_t deaths_by_state_ = 0;  // in a row, while loading the committed state
    std::string shortage_;               // why no worker can be made now; empty: that is not known
    bool shortage_told_ = false;         // since a process could be made last
    std::string saved_moment_;           // of a start or stop that left a repro, since a worker last served
    transport::SteadyTime order_again_at_ = transport::kNoDeadline;
    transport::SteadyTime armed_ = transport::kNoDeadline;
    std::shared_ptr<const Report> last_report_;
    std::string failure_;  // why it is fatal
    // Why the serving worker was not, the last time.
    std::pair<std::string, std::shared_ptr<const Report>> not_replaced_;
    Stats stats_;

    std::uint32_t views_ = 0;             // replies that are looked at in place
    transport::SteadyTime large_at_;      // when much of the touched memory was needed last
    transport::SteadyTime give_back_at_;  // after a try that failed: not before

    CallClock clock_;
    transport::SteadyTime decided_at_;  // when the last call got its outcome
    Callers callers_;
    bool supervisor_reads_ = false;                     // and looks for itself, so the worker need not signal
    std::thread::id handlers_run_on_;                   // who runs them publishes what they asked for
    std::vector<std::uint64_t> put_off_;                // ids of handlers' calls, to be published together
    WorkerRef looked_at_;                               // keeps the worker mapped whose ring the reader looks at
    std::uint32_t host_waits_ = transport::kHostLooks;  // what the serving worker's cell says
    std::condition_variable_any room_;                  // a call's entry became free
    std::size_t room_waiters_ = 0;
    std::deque<Deferred> deferred_;
    bool deferred_start_posted_ = false;
    transport::SteadyTime stop_by_;  // then a stopped lane's workers are killed
    std::condition_variable life_;   // a state was entered, a start is over, or a process is gone
};

}  // namespace bulkhead::detail
