// What is known about a lane's worker besides its replies: methods, output, log, and how it died. On the supervisor
// thread.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "black_box_reader.hpp"
#include "death_cause.hpp"
#include "lane.hpp"
#include "report_words.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {
namespace {

// Why there will be no backtrace, or not the one that is looked for.
std::string note_on_stack(const WorkerProcess& worker, const Report& report) {
    if (has_record(worker.view.black_box())) {
        const bool idle = worker.view.header().parked.load(std::memory_order_relaxed) != 0;
        return report.cause == Cause::hang && idle ? "the dispatcher was idle: another thread has the call" : "";
    }
    if (!worker.stack_note.empty()) {
        return worker.stack_note;
    }
    switch (report.cause) {
        case Cause::crash:
        case Cause::abort:
        case Cause::policy_violation:
            return "none: its crash handler did not run";
        case Cause::unknown:
            return "none: it is not known how it died";
        case Cause::start_failure:
        case Cause::host_request:
            return report.signal == 0 ? "none: it ended in order" : "none: the host ended it";
        default:
            break;
    }
    if (worker.cause && !worker.failed_to_stop()) {
        return "none: the host ended it";
    }
    if (report.signal == 0) {
        return "none: it ended by itself";
    }
    if (report.signal != SIGKILL) {
        return "none: that signal does not tell who sent it, nor what was being run";
    }
    const std::string outside = "none: what ended it came from outside";
    return worker.killed ? outside + "; or its dispatcher thread ended, and the host ended the rest" : outside;
}

std::string step_of(const WorkerProcess& worker) {
    switch (worker.life_said()) {
        case transport::Life::loading:
        case transport::Life::restoring:
        case transport::Life::activating:
            return read_failure(worker.view);
        default:
            return {};
    }
}

// What the dispatcher was running, if it is that which ended the worker, and not another thread or a call that hung
// while the dispatcher went on.
std::string_view function_outside_of_calls(const WorkerProcess& worker) {
    const bool call_hung = worker.cause == Cause::hang && worker.overdue_call != 0 && !worker.stands_still;
    const bool elsewhere = call_hung || worker.crashed_aside() || worker.cause == Cause::protocol_violation;
    return elsewhere ? std::string_view() : read_function(worker.view);
}

}  // namespace

// Takes the methods from a release's first worker and compares those of the later ones. A text: why they cannot be
// right.
std::optional<std::string> Lane::learn_methods(const WorkerProcess& worker) {
    std::string wrong;
    std::vector<MethodDescription> methods = read_methods(worker.view, release_->manifest.idempotent, wrong);
    if (!wrong.empty()) {
        return wrong;
    }
    if (!release_->described) {
        release_->set_methods(std::move(methods));
        return std::nullopt;
    }
    const auto equal = [](const MethodDescription& a, const MethodDescription& b) {
        return a.name == b.name && a.idempotent == b.idempotent;
    };
    if (!std::equal(methods.begin(), methods.end(), release_->methods.begin(), release_->methods.end(), equal)) {
        return "it described other methods than the first worker of this release";
    }
    return std::nullopt;
}

void Lane::read_output(const WorkerRef& worker) {
    constexpr int kReadsPerEvent = 16;  // then others have their turn
    constexpr char kBell = '\0';        // the worker's, not a line's
    std::array<char, 4096> buffer;
    for (int round = 0; round < kReadsPerEvent; ++round) {
        const ssize_t count = ::read(worker->output.get(), buffer.data(), buffer.size());
        if (count == 0) {
            runtime_->supervisor.unwatch(std::exchange(worker->output_watch, 0), worker->output.get());
            watch_death(worker);
        }
        if (count <= 0) {
            return;
        }
        const bool all = count < static_cast<ssize_t>(buffer.size());
        char* const end = std::remove(buffer.data(), buffer.data() + count, kBell);
        worker->last_words.output({buffer.data(), static_cast<std::size_t>(end - buffer.data())}, log_);
        if (all) {
            return;
        }
    }
}

void Lane::read_log(const WorkerRef& worker) {
    worker->log.read(
        worker->view, release_->geometry.log_slots, [&](std::uint64_t count) { log_.lost(count); },
        [&](LogLevel level, std::string_view text) { worker->last_words.logged(level, text, log_); });
}

std::shared_ptr<Report> Lane::make_report(WorkerProcess& worker) {
    auto report = describe_death(worker);
    report->backtrace_note = note_on_stack(worker, *report);
    return report;
}

std::shared_ptr<Report> Lane::describe_death(WorkerProcess& worker) {
    auto report = std::make_shared<Report>();
    report->id = runtime_->report_id(release_->manifest.name, worker.incarnation, worker.start_id);
    report->plugin = release_->manifest.name;
    report->version = release_->manifest.version;
    report->incarnation = worker.incarnation;
    report->time = std::chrono::system_clock::now();
    report->restarts = worker.incarnation - 1;
    report->uptime = worker.died_at - worker.ordered_at;
    report->last_lines = worker.last_words.lines();
    report->crash = read_black_box(worker.view.black_box());
    if (worker.exit) {
        apply_exit(*report, *worker.exit);
    }
    if (!worker.exit || worker.crash_overdue) {  // the status would tell of our own SIGKILL
        apply_record(*report);
    }
    if (report->crash) {
        report->crash->on_dispatcher = report->crash->thread == transport::read_once(worker.view.header().pid);
    }
    const transport::Life life = worker.life_said();
    const bool refused = life == transport::Life::refused || life == transport::Life::state_refused;
    const std::string function(function_outside_of_calls(worker));
    if (worker.failed_to_stop()) {
        report->phase = Phase::stopping;
        report->step = worker.serving ? function : step_of(worker);
        tell_calls(*report, worker);
        refine_cause(*report, read_notes(worker.view.black_box()), release_->manifest.process, runtime_->oom_kills);
        return report;
    }
    // Its crash seemed to have no end, but it was only long: much memory had to be freed, or the machine is busy.
    const bool took_long_to_crash = worker.crash_overdue && (report->crash || worker.died_by_own_signal());
    if (worker.cause && !took_long_to_crash) {
        report->cause = *worker.cause;
        report->detail = worker.detail;
    } else if (refused) {
        report->cause = Cause::start_failure;
        report->detail = read_failure(worker.view);
    } else {
        refine_cause(*report, read_notes(worker.view.black_box()), release_->manifest.process, runtime_->oom_kills);
    }
    if (!worker.serving) {
        report->step = step_of(worker);
        const bool stood_by = worker.ready && worker.serves_from == transport::kNoPosition;
        report->phase = stood_by ? Phase::standing_by : Phase::starting;
        return report;
    }
    report->step = function;
    tell_calls(*report, worker);
    return report;
}

void Lane::tell_calls(Report& report, const WorkerProcess& worker) {
    if (const PendingCall* call = running_call(worker)) {
        report.running_method = release_->methods[call->message.method].name;
        report.running_age = worker.died_at - call->begin;
        report.running_payload = call->message.length;
        report.running_id = call->id;
        if (call->message.traced()) {
            std::memcpy(report.running_trace.emplace().data(), call->message.trace_id(), report.running_trace->size());
        }
    }
    report.recent_calls = recent_calls(worker, report.running_id);
}

// Those that it has answered, and those that it had begun besides the one that was running; the latest first.
std::vector<RecentCall> Lane::recent_calls(const WorkerProcess& worker, std::uint64_t running) {
    constexpr std::size_t kMost = 16;
    std::vector<RecentCall> recent;
    const auto add = [&](std::uint64_t id, std::uint16_t method, std::uint32_t length, transport::SteadyTime begin,
                         bool answered) {
        recent.push_back({id, release_->methods[method].name, length, worker.died_at - begin, answered});
    };
    for (const PendingCall* call : begun_calls(worker)) {
        if (call->id != running) {
            add(call->id, call->message.method, call->message.length, call->begin, false);
        }
    }
    for (const AnsweredCall& call : worker.answered.all()) {
        add(call.id, call.method, call.length, call.begin, true);
    }
    std::stable_sort(recent.begin(), recent.end(),
                     [](const RecentCall& a, const RecentCall& b) { return a.age < b.age; });
    recent.resize(std::min(recent.size(), kMost));
    return recent;
}

// Those that this worker had taken and not answered.
std::vector<PendingCall*> Lane::begun_calls(const WorkerProcess& worker) {
    const std::uint64_t end = std::min(worker.serves_to, worker.accused ? outbox_.requests().head() : worker.begun);
    std::vector<PendingCall*> calls = calls_.published();
    std::erase_if(calls, [&](const PendingCall* call) {
        return call->released || call->position < worker.serves_from || call->position >= end;
    });
    return calls;
}

// Whether it may have died of a call. Not in the plugin's save: which of the calls before it has to do with that, if
// any, nobody can say.
bool Lane::was_in_calls(const WorkerProcess& worker) { return function_outside_of_calls(worker).empty(); }

// The call that it died of: the one that was overdue, or what it says that its dispatcher was running, if that can be.
// Null: it says nothing, or a lie, or another thread crashed, which may have worked for any of several.
PendingCall* Lane::claimed_call(const WorkerProcess& worker) {
    const std::vector<PendingCall*> begun = begun_calls(worker);
    if (!was_in_calls(worker) || (begun.size() > 1 && worker.crashed_aside())) {
        return nullptr;
    }
    const std::uint64_t overdue = worker.cause == Cause::hang ? worker.overdue_call : 0;
    const std::uint64_t id = overdue != 0 ? overdue : read_running(worker.view);
    const auto claimed =
        std::find_if(begun.begin(), begun.end(), [id](const PendingCall* call) { return call->id == id; });
    return claimed == begun.end() ? nullptr : *claimed;
}

// For the report: the call that it died of, else the oldest begun one without an answer, if it can be that.
const PendingCall* Lane::running_call(const WorkerProcess& worker) {
    if (const PendingCall* claimed = claimed_call(worker)) {
        return claimed;
    }
    const std::vector<PendingCall*> begun = begun_calls(worker);
    const bool any_of_several = begun.size() > 1 && worker.crashed_aside();
    return begun.empty() || any_of_several || !was_in_calls(worker) ? nullptr : begun.front();
}

// The log hears of a death that nobody asked for, and of a worker that was killed because its time to end was over, of
// which there is no report.
void Lane::log_end(const WorkerProcess& worker, const Report& report) {
    if (report.cause != Cause::host_request) {
        // Its successor may have been told of already.
        const bool is_former = serving_ && serving_->serving && serving_->incarnation > worker.incarnation;
        log_.line(LogSource::host, LogLevel::error,
                  (is_former ? "its former worker" : subject_of(report)) + " " + report.clause());
        return;
    }
    if (!worker.was_cut_off()) {
        return;
    }
    const bool has_state = (transport::read_once(worker.view.header().traits) & transport::kHasState) != 0;
    const bool lost = has_state && (worker.begun > std::max(worker.serves_from, worker.checkpoint_position) ||
                                    worker.checkpoint_open_calls > 0);
    log_.line(LogSource::host, lost ? LogLevel::error : LogLevel::warning,
              "its worker was told to end, did not within " +
                  std::to_string(release_->manifest.supervision.stop.count()) + " ms, and was killed" +
                  (lost ? ": what calls did since its last checkpoint is lost" : ""));
}

void Lane::tell_death(const WorkerProcess& worker, const std::shared_ptr<const Report>& report) {
    runtime_->post_mortem->examine(report, {worker.shared_from_this(), &worker.view.black_box()}, release_);
}

}  // namespace bulkhead::detail
