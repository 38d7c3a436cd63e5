// What a worker says about itself besides replies: methods, failures, output, log, and how it died. Every byte
// of it is hostile.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cstring>

#include "lane.hpp"

namespace bulkhead::detail {
namespace {

constexpr std::uint32_t kIdempotentFlag = 1;  // BULKHEAD_METHOD_IDEMPOTENT of the plugin ABI

// Text of the worker as one line of printable characters.
std::string plain(std::string_view text) {
    std::string result(text.substr(0, text.find('\0')));
    std::replace_if(
        result.begin(), result.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    return result;
}

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

}  // namespace

std::string Lane::failure_text(const WorkerProcess& worker) {
    const auto& header = worker.view.header();
    std::array<char, transport::kFailureCapacity> text;
    const std::size_t length = std::min<std::size_t>(header.failure_length, text.size());
    std::memcpy(text.data(), header.failure, length);
    return plain({text.data(), length});
}

std::string Lane::step_of(const WorkerProcess& worker) {
    const bool loading = worker.view.header().life.load(std::memory_order_acquire) ==
                         static_cast<std::uint32_t>(transport::Life::loading);
    const std::string step = loading ? failure_text(worker) : "";
    return step.empty() ? step : " " + step;
}

// Reads the method table. A text: why it cannot be right.
std::optional<std::string> Lane::learn_methods(WorkerProcess& worker) {
    const auto& header = worker.view.header();
    const std::uint32_t count = header.method_count;
    if (count > transport::kMaxMethods) {
        return "described more than " + std::to_string(transport::kMaxMethods) + " methods";
    }
    const auto& overrides = release_->manifest.idempotent;
    std::vector<MethodDescription> methods;
    for (std::uint32_t index = 0; index < count; ++index) {
        transport::MethodRecord record;
        std::memcpy(&record, worker.view.methods() + index, sizeof record);
        record.name[sizeof record.name - 1] = '\0';
        MethodDescription method{plain(record.name), (record.flags & kIdempotentFlag) != 0};
        if (const auto chosen = overrides.find(method.name); chosen != overrides.end()) {
            method.idempotent = chosen->second;
        }
        methods.push_back(std::move(method));
    }
    for (const auto& [name, idempotent] : overrides) {
        const auto same = [&name = name](const MethodDescription& method) { return method.name == name; };
        if (std::none_of(methods.begin(), methods.end(), same)) {
            return "has no method '" + name + "', which its manifest names";
        }
    }
    if (!first_start_over_) {
        release_->methods = std::move(methods);
        return std::nullopt;
    }
    const auto equal = [](const MethodDescription& a, const MethodDescription& b) {
        return a.name == b.name && a.idempotent == b.idempotent;
    };
    if (!std::equal(methods.begin(), methods.end(), release_->methods.begin(), release_->methods.end(), equal)) {
        return "described other methods than the first worker of this release";
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
        log_.output({buffer.data(), static_cast<std::size_t>(count)});
    }
}

void Lane::read_log(const WorkerRef& worker) {
    const std::uint64_t head = worker->view.header().log_head.load(std::memory_order_acquire);
    const std::uint64_t slots = release_->geometry.log_slots;
    if (head < worker->log_position) {
        return;  // a lie; there is nothing to gain by reading it
    }
    if (head - worker->log_position > slots) {
        log_.lost(head - slots - worker->log_position);
        worker->log_position = head - slots;
    }
    for (; worker->log_position < head; ++worker->log_position) {
        const transport::LogSlot& slot = worker->view.log_slot(worker->log_position);
        std::array<char, transport::kLogLineCapacity> text;
        const std::uint64_t before = slot.sequence.load(std::memory_order_acquire);
        const std::uint32_t level = slot.level;
        const std::size_t length = std::min<std::size_t>(slot.length, text.size());
        std::memcpy(text.data(), slot.text, length);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (before != worker->log_position + 1 || slot.sequence.load(std::memory_order_relaxed) != before) {
            log_.lost(1);  // overwritten while we read it
            continue;
        }
        log_.line(LogSource::plugin, static_cast<LogLevel>(std::min<std::uint32_t>(level, 3)),
                  plain({text.data(), length}));
    }
}

std::shared_ptr<Report> Lane::make_report(WorkerProcess& worker) {
    auto report = std::make_shared<Report>();
    report->plugin = release_->manifest.name;
    report->version = release_->manifest.version;
    report->incarnation = worker.incarnation;
    report->restarts = worker.incarnation - 1;
    report->uptime = worker.died_at - worker.ordered_at;
    report->last_lines = log_.last_lines();
    if (worker.exit) {
        apply_exit(*report, *worker.exit);
    }
    const bool refused = worker.view.header().life.load(std::memory_order_acquire) ==
                         static_cast<std::uint32_t>(transport::Life::refused);
    if (worker.cause) {
        report->cause = *worker.cause;
        report->detail = worker.detail;
    } else if (!worker.ready && refused) {
        report->cause = Cause::start_failure;
        report->detail = failure_text(worker);
    }
    if (!worker.ready) {
        report->step = plain(step_of(worker));
        report->step.erase(0, report->step.find_first_not_of(' '));
        return report;
    }
    if (const PendingCall* call = running_call(worker)) {
        report->running_method = release_->methods[call->message.method].name;
        report->running_for = worker.died_at - call->begin;
        report->running_payload = call->message.length;
    }
    return report;
}

// The call that a death is charged to: what the worker says it was running if that can be, else the oldest begun
// one without an answer.
const PendingCall* Lane::running_call(WorkerProcess& worker) {
    const std::uint64_t begun = worker.accused ? outbox_.requests().head() : refresh_begun(worker);
    const auto runs = [begun](const PendingCall* call) {
        return call != nullptr && call->state != PendingCall::State::preparing && !call->released && call->position < begun;
    };
    const PendingCall* claimed = calls_.find(worker.view.header().current_call_id);
    if (runs(claimed)) {
        return claimed;
    }
    const std::vector<PendingCall*> published = calls_.published();
    const auto oldest = std::find_if(published.begin(), published.end(), runs);
    return oldest == published.end() ? nullptr : *oldest;
}

void Lane::tell_death(const std::shared_ptr<const Report>& report) {
    log_.line(LogSource::host, LogLevel::error, "its worker " + report->clause());
    if (runtime_->options.on_death) {
        boost::asio::post(runtime_->callbacks,
                          [hook = runtime_->options.on_death, report] { hook(*report); });
    }
}

}  // namespace bulkhead::detail
