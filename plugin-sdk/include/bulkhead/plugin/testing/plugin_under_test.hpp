// One life of a plugin, in the hands of a test.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/plugin/testing/answer.hpp"
#include "bulkhead/plugin/testing/mode.hpp"
#include "bulkhead/plugin/testing/saved_state.hpp"

namespace bulkhead::plugin::testing {

class Runner;
class RunningCall;

// How the plugin is started.
struct Setup {
    std::optional<Mode> mode = std::nullopt;  // empty: what BULKHEAD_TEST_MODE says, else in-process
    std::string config = {};                  // JSON, instead of the manifest's "config"; empty: the manifest's
    std::filesystem::path worker = {};        // sandbox: the bulkhead-worker executable; empty: the host finds it
    std::optional<SavedState> state = std::nullopt;  // in-process: what it loads before it is activated
};

struct CallOptions {
    // From now to the deadline. Empty: the manifest's supervision.call_ms.
    std::optional<std::chrono::nanoseconds> timeout = std::nullopt;
    std::optional<std::array<std::uint8_t, 16>> trace_id = std::nullopt;
};

// The plugin did not start; what() is one sentence that says why.
class StartFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// The plugin did not save its state; what() is one sentence that says why.
class SaveFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A call whose answer may come later. Any thread. May outlive the PluginUnderTest, which ends all open calls.
class PendingAnswer {
  public:
    explicit PendingAnswer(std::shared_ptr<RunningCall> call);

    // Returns by the call's deadline, with Kind::timed_out if need be. May be asked again.
    Answer wait() const;
    bool answered() const;
    // Gives up: the plugin sees cancelled(), and wait() returns Kind::cancelled unless there was an answer.
    void cancel() const;

  private:
    std::shared_ptr<RunningCall> call_;
};

// A plugin from its creation to its end. One thread, which is the plugin's main thread when it runs in-process. There
// only one should live at a time, because the ABI's log and plugin directory are the process's.
class PluginUnderTest {
  public:
    // `folder` holds plugin.json and the library, as bulkhead_add_plugin() builds it. Creates and activates the plugin.
    // Throws StartFailure when it cannot be created or refuses Setup::state; one that fails to activate refuses every
    // call.
    explicit PluginUnderTest(const std::filesystem::path& folder, const Setup& setup = {});
    // The folder that bulkhead_add_plugin_test() told ctest: the environment variable BULKHEAD_TEST_PLUGIN.
    explicit PluginUnderTest(const Setup& setup = {});
    PluginUnderTest(PluginUnderTest&&) noexcept;
    PluginUnderTest& operator=(PluginUnderTest&&) noexcept;
    // Deactivates and destroys it; open calls fail.
    ~PluginUnderTest();

    Mode mode() const noexcept { return mode_; }

    // Calls a method and waits for its answer.
    Answer call(std::string_view method, std::string_view request = {}, const CallOptions& options = {});
    // Calls a method; requests arrive in the order of these calls. In-process it returns when the method has.
    PendingAnswer start(std::string_view method, std::string_view request = {}, const CallOptions& options = {});

    // A checkpoint: what the next life gets as Setup::state. In-process only. Throws SaveFailure.
    SavedState save();

    // What the plugin has logged so far, as far as it has arrived here.
    std::vector<LogLine> log() const;
    // Whether a line with this text in it has been logged; waits up to 10 seconds for it.
    bool logged(std::string_view text) const;

  private:
    Mode mode_;
    std::unique_ptr<Runner> runner_;
};

// The folder of the plugin that ctest wants tested: BULKHEAD_TEST_PLUGIN. Throws std::invalid_argument when not set.
std::filesystem::path folder_from_environment();

}  // namespace bulkhead::plugin::testing
