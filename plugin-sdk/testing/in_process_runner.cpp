#include <dlfcn.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include "bulkhead/plugin/testing/fake_worker.hpp"
#include "bulkhead/plugin/testing/runner.hpp"
#include "test_manifest.hpp"

namespace bulkhead::plugin::testing {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Never unloaded, as in a worker.
const bulkhead_plugin_table* load_table(const std::filesystem::path& library) {
    void* handle = ::dlopen(std::filesystem::absolute(library).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        throw StartFailure("the library cannot be loaded: " + std::string(::dlerror()));
    }
    const auto entry = reinterpret_cast<bulkhead_plugin_function>(::dlsym(handle, "bulkhead_plugin"));
    const bulkhead_plugin_table* table = entry == nullptr ? nullptr : entry();
    if (table == nullptr) {
        throw StartFailure(library.string() + " does not export bulkhead_plugin, or it returned null");
    }
    if (table->abi_version != BULKHEAD_ABI_VERSION) {
        throw StartFailure(library.string() + " was compiled for ABI version " + std::to_string(table->abi_version) +
                           ", this is version " + std::to_string(BULKHEAD_ABI_VERSION) + "; compile it again");
    }
    return table;
}

class CallInProcess : public RunningCall {
  public:
    CallInProcess(std::shared_ptr<bulkhead_call> call, SteadyTime deadline)
        : call_(std::move(call)), deadline_(deadline) {}

    Answer wait() override {
        if (auto answer = call_->wait_until(deadline_)) {
            return *std::move(answer);
        }
        return call_->was_cancelled() ? Answer{Answer::Kind::cancelled, 0, "the call was cancelled by its caller"}
                                      : Answer{Answer::Kind::timed_out, 0, "the call did not end by its deadline"};
    }
    bool answered() override { return call_->answered(); }
    void cancel() override { call_->cancel(); }

  private:
    std::shared_ptr<bulkhead_call> call_;
    SteadyTime deadline_;
};

class AnsweredCall : public RunningCall {
  public:
    explicit AnsweredCall(Answer answer) : answer_(std::move(answer)) {}
    Answer wait() override { return answer_; }
    bool answered() override { return true; }
    void cancel() override {}

  private:
    Answer answer_;
};

class InProcessRunner : public Runner {
  public:
    InProcessRunner(const std::filesystem::path& folder, const Setup& setup)
        : manifest_(folder), worker_(load_table(manifest_.library)) {
        FakeLog::take();
        fake_plugin_directory() = std::filesystem::absolute(folder).lexically_normal().string();
        if (worker_.create(setup.config.empty() ? manifest_.config : setup.config) != 0) {
            throw StartFailure("its create function " + failure());
        }
        load(setup);
        if (worker_.activate() != 0) {
            throw StartFailure("its activate function " + failure());
        }
    }
    InProcessRunner(const InProcessRunner&) = delete;
    InProcessRunner& operator=(const InProcessRunner&) = delete;
    ~InProcessRunner() override { worker_.deactivate(); }

    std::shared_ptr<RunningCall> start(std::string_view method, std::string_view request,
                                       const CallOptions& options) override {
        if (!worker_.has_method(method)) {
            return answered(Answer::Kind::no_such_method, "the plugin has no method '" + std::string(method) + "'");
        }
        if (request.size() > manifest_.payload_limit) {
            return answered(Answer::Kind::too_large, "the request is over limits.payload");
        }
        const SteadyTime deadline = std::chrono::steady_clock::now() + options.timeout.value_or(manifest_.call_timeout);
        const auto nanoseconds = deadline.time_since_epoch() / std::chrono::nanoseconds(1);
        const FakeCallOptions fake{manifest_.payload_limit, static_cast<std::uint64_t>(nanoseconds), options.trace_id};
        return std::make_shared<CallInProcess>(worker_.start(method, request, fake), deadline);
    }
    SavedState save() override {
        SavedState state;
        if (!worker_.has_state()) {
            throw SaveFailure("the plugin has no state");
        }
        if (worker_.save(state, manifest_.state_limit) != 0) {
            throw SaveFailure("its save function " + failure());
        }
        return state;
    }
    std::vector<LogLine> log() const override { return FakeLog::record().lines(); }
    bool logged(std::string_view text) const override { return FakeLog::record().wait_for(text); }

  private:
    void load(const Setup& setup) {
        if (!setup.state) {
            return;
        }
        if (!worker_.has_state()) {
            throw StartFailure("the plugin has no state");
        }
        if (worker_.load(*setup.state) != 0) {
            throw StartFailure("its load function " + failure());
        }
    }
    static std::shared_ptr<RunningCall> answered(Answer::Kind kind, std::string text) {
        return std::make_shared<AnsweredCall>(Answer{kind, 0, std::move(text)});
    }
    std::string failure() const {
        const std::string text = worker_.error().text;
        return "failed with number " + std::to_string(worker_.error().number) + (text.empty() ? "" : ": " + text);
    }

    TestManifest manifest_;
    FakeWorker worker_;
};

}  // namespace

std::unique_ptr<Runner> make_in_process_runner(const std::filesystem::path& folder, const Setup& setup) {
    return std::make_unique<InProcessRunner>(folder, setup);
}

}  // namespace bulkhead::plugin::testing
