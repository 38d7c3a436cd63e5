// What runs a plugin for PluginUnderTest. Not for direct use.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "bulkhead/plugin/testing/answer.hpp"
#include "bulkhead/plugin/testing/plugin_under_test.hpp"

namespace bulkhead::plugin::testing {

// Members as those of PendingAnswer.
class RunningCall {
  public:
    virtual ~RunningCall() = default;
    virtual Answer wait() = 0;
    virtual bool answered() = 0;
    virtual void cancel() = 0;
};

// Members as those of PluginUnderTest.
class Runner {
  public:
    virtual ~Runner() = default;
    virtual std::shared_ptr<RunningCall> start(std::string_view method, std::string_view request,
                                               const CallOptions& options) = 0;
    virtual SavedState save() = 0;
    virtual std::vector<LogLine> log() const = 0;
    virtual bool logged(std::string_view text) const = 0;
};

// Both throw StartFailure.
std::unique_ptr<Runner> make_in_process_runner(const std::filesystem::path& folder, const Setup& setup);
// Defined in host/testing, because it embeds the host.
std::unique_ptr<Runner> make_sandbox_runner(const std::filesystem::path& folder, const Setup& setup);

}  // namespace bulkhead::plugin::testing
