// Drives a plugin's table inside the test's own process, as a worker would. Headers only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/plugin/testing/answer.hpp"
#include "bulkhead/plugin/testing/fake_call.hpp"
#include "bulkhead/plugin/testing/fake_state.hpp"
#include "bulkhead/plugin/testing/log_record.hpp"
#include "bulkhead/plugin/testing/saved_state.hpp"

namespace bulkhead::plugin::testing {

// What the plugins of this process logged. One for the process, because the ABI's log() names no worker.
class FakeLog {
  public:
    static LogRecord& record() {
        static LogRecord only;
        return only;
    }
    static void write(bulkhead_log_level level, const char* text, std::size_t length) {
        record().write({level, std::string(text, length)});
    }
    static std::vector<LogLine> take() { return record().take(); }
};

// What the plugins of this process are told. One for the process, like the log.
inline std::string& fake_plugin_directory() {
    static std::string only = "/plugins/under-test";
    return only;
}

inline const bulkhead_services& fake_services() {
    static const bulkhead_services table = [] {
        bulkhead_services services{};
        services.size = sizeof(services);
        services.abi_version = BULKHEAD_ABI_VERSION;
        services.log = FakeLog::write;
        services.reply = [](bulkhead_call* call, const void* data, std::size_t size) {
            if (size > call->options().payload_limit) {
                return call->answer({Answer::Kind::too_large, 0, ""});
            }
            call->answer({Answer::Kind::reply, 0, std::string(static_cast<const char*>(data), size)});
        };
        services.reply_buffer = [](bulkhead_call* call, std::size_t size) { return call->reply_buffer(size); };
        services.commit_reply = [](bulkhead_call* call, std::size_t size) { call->commit_reply(size); };
        services.fail = [](bulkhead_call* call, std::int32_t number, const char* text) {
            call->answer({Answer::Kind::error, number, text == nullptr ? "" : text});
        };
        services.deadline = [](const bulkhead_call* call) { return call->options().deadline; };
        services.cancelled = [](const bulkhead_call* call) { return call->cancelled() ? 1 : 0; };
        services.trace_id = [](const bulkhead_call* call, std::uint8_t id[16]) {
            const auto& trace_id = call->options().trace_id;
            if (trace_id) {
                std::copy(trace_id->begin(), trace_id->end(), id);
            }
            return trace_id ? 1 : 0;
        };
        services.plugin_directory = [] { return fake_plugin_directory().c_str(); };
        services.write_state = [](bulkhead_state* state, const void* data, std::size_t size) {
            return state->write(data, size);
        };
        services.request_checkpoint = [] { ++fake_checkpoint_requests(); };
        return services;
    }();
    return table;
}

// One life of a plugin. Its functions belong to the test's main thread.
class FakeWorker {
  public:
    explicit FakeWorker(const bulkhead_plugin_table* table) : table_(table) {}
    FakeWorker(const FakeWorker&) = delete;
    FakeWorker& operator=(const FakeWorker&) = delete;
    ~FakeWorker() { destroy(); }

    // 0: done; else error() says why not.
    int create(std::string_view config = "{}") {
        error_ = {};
        const int result = table_->create(&fake_services(), {config.data(), config.size()}, &instance_, &error_);
        created_ = result == 0;
        return result;
    }
    // Whether the plugin has state, and was compiled with a header that knows of it.
    bool has_state() const {
        constexpr std::size_t kNeeded = offsetof(bulkhead_plugin_table, load) + sizeof(table_->load);
        return table_->size >= kNeeded && table_->save != nullptr && table_->load != nullptr;
    }
    // After create and before activate. 0: done; else error() says why not, and this life is given up, without destroy.
    int load(const SavedState& state) {
        error_ = {};
        const bulkhead_bytes bytes{state.bytes.data(), state.bytes.size()};
        return give_up_unless_done(table_->load(instance_, state.version, bytes, &error_));
    }
    // The same. Between two calls, as a worker does it.
    int save(SavedState& state, std::size_t limit = std::size_t{1} << 20) {
        error_ = {};
        bulkhead_state output(limit);
        const int result = table_->save(instance_, &output, &error_);
        state = {table_->state_version, std::move(output.bytes)};
        return result != 0 ? result : output.over_limit ? 1 : 0;
    }
    // 0: done; else as with load.
    int activate() {
        error_ = {};
        return table_->activate == nullptr ? 0 : give_up_unless_done(table_->activate(instance_, &error_));
    }
    void deactivate() {
        if (table_->deactivate != nullptr) {
            table_->deactivate(instance_);
        }
    }
    void destroy() {
        if (std::exchange(created_, false)) {
            for (const auto& call : calls_) {
                call->close();
            }
            table_->destroy(instance_);
        }
    }
    const bulkhead_error& error() const { return error_; }

    bool has_method(std::string_view name) const { return find(name) != nullptr; }
    const bulkhead_method& method(std::string_view name) const {
        if (const bulkhead_method* method = find(name)) {
            return *method;
        }
        throw std::invalid_argument("the plugin has no method " + std::string(name));
    }

    // Runs the method; the answer may come later.
    std::shared_ptr<bulkhead_call> start(std::string_view name, std::string_view request,
                                         const FakeCallOptions& options = {}) {
        auto call = std::make_shared<bulkhead_call>(request, options);
        calls_.push_back(call);
        method(name).run(instance_, call.get(), call->request());
        return call;
    }
    // Runs the method and waits for its answer.
    Answer call(std::string_view name, std::string_view request = {}, const FakeCallOptions& options = {}) {
        return start(name, request, options)->wait();
    }

  private:
    // A worker would end with all that the plugin has made. Here that stays, and in sight of who looks for leaks.
    int give_up_unless_done(int result) {
        if (result != 0 && std::exchange(created_, false)) {
            static auto* const given_up = std::make_unique<std::vector<void*>>().release();
            given_up->push_back(instance_);
        }
        return result;
    }

    const bulkhead_method* find(std::string_view name) const {
        for (std::size_t i = 0; i < table_->method_count; ++i) {
            if (table_->methods[i].name == name) {
                return &table_->methods[i];
            }
        }
        return nullptr;
    }

    const bulkhead_plugin_table* table_;
    void* instance_ = nullptr;
    bool created_ = false;
    bulkhead_error error_{};
    std::vector<std::shared_ptr<bulkhead_call>> calls_;  // a plugin may hold them until it is destroyed
};

}  // namespace bulkhead::plugin::testing
