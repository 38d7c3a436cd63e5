#include <bulkhead/host/host.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "bulkhead/plugin/testing/log_record.hpp"
#include "bulkhead/plugin/testing/runner.hpp"
#include "sandbox_folder.hpp"

namespace bulkhead::plugin::testing {
namespace {

namespace asio = boost::asio;

Answer::Kind kind_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::plugin_failed:
            return Answer::Kind::error;
        case ErrorCode::too_large:
            return Answer::Kind::too_large;
        case ErrorCode::timed_out:
            return Answer::Kind::timed_out;
        case ErrorCode::cancelled:
            return Answer::Kind::cancelled;
        case ErrorCode::no_such_method:
            return Answer::Kind::no_such_method;
        case ErrorCode::crashed:
        case ErrorCode::protocol_violation:
            return Answer::Kind::crashed;
        default:
            return Answer::Kind::refused;
    }
}

// The plugin's own text, which the host's sentence ends with.
std::string text_of(const Error& error, const std::string& prefix) {
    const bool is_plugins = error.code == ErrorCode::plugin_failed && error.message.starts_with(prefix);
    if (!is_plugins) {
        return error.message;
    }
    const std::string rest = error.message.substr(prefix.size());
    return rest.starts_with(": ") ? rest.substr(2) : rest;
}

Answer answer_of(const result<Bytes>& outcome, const std::string& prefix) {
    if (outcome) {
        return {Answer::Kind::reply, 0, std::string(outcome->text())};
    }
    const Error& error = outcome.error();
    return {kind_of(error.code), error.plugin_number, text_of(error, prefix)};
}

// Its signal belongs to the executor's one thread.
class CallInSandbox : public RunningCall, public std::enable_shared_from_this<CallInSandbox> {
  public:
    explicit CallInSandbox(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    void start(const Plugin& plugin, std::string_view method, std::string_view request,
               const bulkhead::CallOptions& options) {
        std::string prefix = "plugin " + plugin.name() + ": call '" + std::string(method) + "' failed";
        auto handler = [self = shared_from_this(), prefix = std::move(prefix)](const result<Bytes>& outcome) {
            self->finish(answer_of(outcome, prefix));
        };
        plugin.async_call(
            method, request, options,
            asio::bind_cancellation_slot(signal_.slot(), asio::bind_executor(executor_, std::move(handler))));
    }

    Answer wait() override {
        std::unique_lock lock(mutex_);
        finished_.wait(lock, [this] { return answer_.has_value(); });  // the host keeps the deadline
        return *answer_;
    }
    bool answered() override {
        const std::lock_guard lock(mutex_);
        return answer_.has_value();
    }
    void cancel() override {
        if (answered()) {
            return;  // and the executor may be gone
        }
        asio::post(executor_, [self = shared_from_this()] { self->signal_.emit(asio::cancellation_type::terminal); });
    }

  private:
    void finish(Answer answer) {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
        finished_.notify_all();
    }

    asio::any_io_executor executor_;
    asio::cancellation_signal signal_;
    std::mutex mutex_;
    std::condition_variable finished_;
    std::optional<Answer> answer_;
};

class SandboxRunner : public Runner {
  public:
    SandboxRunner(const std::filesystem::path& folder, const Setup& setup) : folder_(folder, setup.config) {
        if (setup.state) {
            throw StartFailure("a state can be loaded in-process only; here the host keeps it itself");
        }
        HostOptions options;
        options.worker = setup.worker;
        options.callback_executor = pool_.get_executor();
        options.log = [log = log_](const bulkhead::LogLine& line) {
            if (line.source == LogSource::plugin) {
                log->write({static_cast<bulkhead_log_level>(line.level), line.text});
            }
        };
        auto host = Host::create(std::move(options));
        if (!host) {
            throw StartFailure(host.error().message);
        }
        host_.emplace(*std::move(host));
        auto plugin = host_->load(folder_.path());
        if (!plugin) {
            throw StartFailure(plugin.error().message);
        }
        plugin_.emplace(*std::move(plugin));
    }
    SandboxRunner(const SandboxRunner&) = delete;
    SandboxRunner& operator=(const SandboxRunner&) = delete;
    ~SandboxRunner() override {
        host_.reset();
        pool_.join();
    }

    std::shared_ptr<RunningCall> start(std::string_view method, std::string_view request,
                                       const CallOptions& options) override {
        bulkhead::CallOptions chosen;
        chosen.timeout = options.timeout;
        chosen.trace = options.trace_id;
        auto call = std::make_shared<CallInSandbox>(pool_.get_executor());
        call->start(*plugin_, method, request, chosen);
        return call;
    }
    SavedState save() override {
        throw SaveFailure("a state can be saved in-process only; here the host takes checkpoints itself");
    }
    std::vector<LogLine> log() const override { return log_->lines(); }
    bool logged(std::string_view text) const override { return log_->wait_for(text); }

  private:
    SandboxFolder folder_;
    std::shared_ptr<LogRecord> log_ = std::make_shared<LogRecord>();
    asio::thread_pool pool_{1};
    std::optional<Host> host_;
    std::optional<Plugin> plugin_;
};

}  // namespace

std::unique_ptr<Runner> make_sandbox_runner(const std::filesystem::path& folder, const Setup& setup) {
    return std::make_unique<SandboxRunner>(folder, setup);
}

}  // namespace bulkhead::plugin::testing
