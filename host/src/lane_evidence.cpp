// What is known about a lane's worker besides its replies: methods, output, log, and how it died. On the supervisor
// thread.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <csignal>

#include "black_box_reader.hpp"
#include "lane.hpp"
#include "worker_statements.hpp"

namespace bulkhead::detail {
namespace {

void apply_exit(Report& report, const transport::ExitedMessage& exit) {
    report.user_time = std::chrono::microseconds(exit.user_microseconds);
    report.system_time = std::chrono::microseconds(exit.system_microseconds);
    report.peak_resident_bytes = exit.peak_resident_bytes;
    if (WIFSIGNALED(exit.wait_status)) {
        report.signal = WTERMSIG(exit.wait_status);
        switch (report.signal) {
            case SIGABRT:
                report.cause = Cause::abort;
                break;
            case SIGSEGV:
            case SIGBUS:
            case SIGILL:
            case SIGFPE:
            case SIGTRAP:
            case SIGSYS:
                report.cause = Cause::crash;
                break;
            default:
                report.cause = Cause::killed;
                break;
        }
    } else {
        report.exit_code = WEXITSTATUS(exit.wait_status);
        report.cause = Cause::exit;
    }
}

// Asked to stop, it died by a signal that the host did not send.
bool crashed_while_stopping(const WorkerProcess& worker) {
    return worker.cause == Cause::host_request && worker.exit && WIFSIGNALED(worker.exit->wait_status) &&
           WTERMSIG(worker.exit->wait_status) != SIGKILL;
}

}  // namespace

std::string Lane::step_of(const WorkerProcess& worker) {
    const bool loading = worker.view.header().life.load(std::memory_order_acquire) ==
                         static_cast<std::uint32_t>(transport::Life::loading);
    return loading ? read_failure(worker.view) : std::string();
}

// Takes the methods from a release's first worker and compares those of the later ones. A text: why they cannot be
// right.
std::optional<std::string> Lane::learn_methods(const WorkerProcess& worker) {
    std::string wrong;
    std::vector<MethodDescription> methods = read_methods(worker.view, release_->manifest.idempotent, wrong);
    if (!wrong.empty()) {
        return wrong;
    }
    if (!first_start_over_) {
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
    std::array<char, 4096> buffer;
    for (int round = 0; round < kReadsPerEvent; ++round) {
        const ssize_t count = ::read(worker->output.get(), buffer.data(), buffer.size());
        if (count == 0) {
            runtime_->supervisor.unwatch(worker->output_watch, worker->output.get());
        }
        if (count <= 0) {
            return;
        }
        worker->last_words.output({buffer.data(), static_cast<std::size_t>(count)}, log_);
    }
}

void Lane::read_log(const WorkerRef& worker) {
    worker->log.read(
        worker->view, release_->geometry.log_slots, [&](std::uint64_t count) { log_.lost(count); },
        [&](LogLevel level, std::string_view text) { worker->last_words.logged(level, text, log_); });
}

std::shared_ptr<Report> Lane::make_report(WorkerProcess& worker) {
    auto report = std::make_shared<Report>();
    report->id = runtime_->report_id(release_->manifest.name, worker.incarnation, worker.start_id);
    report->plugin = release_->manifest.name;
    report->version = release_->manifest.version;
    report->incarnation = worker.incarnation;
    report->restarts = worker.incarnation - 1;
    report->uptime = worker.died_at - worker.ordered_at;
    report->last_lines = worker.last_words.lines();
    if (worker.exit) {
        apply_exit(*report, *worker.exit);
    }
    report->crash = read_black_box(worker.view.black_box());
    if (report->crash) {
        report->crash->on_dispatcher = report->crash->thread == transport::read_once(worker.view.header().pid);
    }
    const bool refused = worker.view.header().life.load(std::memory_order_acquire) ==
                         static_cast<std::uint32_t>(transport::Life::refused);
    if (crashed_while_stopping(worker)) {
        report->step = "while it was being stopped";
        return report;
    }
    if (worker.cause) {
        report->cause = *worker.cause;
        report->detail = worker.detail;
    } else if (refused) {
        report->cause = Cause::start_failure;
        report->detail = read_failure(worker.view);
    }
    if (!worker.ready) {
        report->step = step_of(worker);
        return report;
    }
    if (const PendingCall* call = running_call(worker)) {
        report->running_method = release_->methods[call->message.method].name;
        report->running_age = worker.died_at - call->begin;
        report->running_payload = call->message.length;
    }
    return report;
}

// The call that a death is charged to: what the worker says it was running if that can be, else the oldest begun
// one without an answer.
const PendingCall* Lane::running_call(WorkerProcess& worker) {
    const std::uint64_t begun = worker.accused ? outbox_.requests().head() : refresh_begun(worker);
    const auto runs = [begun](const PendingCall* call) {
        return call != nullptr && call->state != PendingCall::State::preparing && !call->released &&
               call->position < begun;
    };
    const PendingCall* claimed = calls_.find(worker.view.header().current_call_id.load(std::memory_order_relaxed));
    if (runs(claimed)) {
        return claimed;
    }
    const std::vector<PendingCall*> published = calls_.published();
    const auto oldest = std::find_if(published.begin(), published.end(), runs);
    return oldest == published.end() ? nullptr : *oldest;
}

void Lane::tell_death(const std::shared_ptr<const Report>& report) {
    if (runtime_->options.on_death) {
        boost::asio::post(runtime_->callbacks, [hook = runtime_->options.on_death, report] {
            try {
                hook(*report);
            } catch (...) {  // the server's own trouble; the plugin is served on
            }
        });
    }
}

}  // namespace bulkhead::detail
