#include "bulkhead/plugin/testing/plugin_under_test.hpp"

#include <cstdlib>
#include <utility>

#include "bulkhead/plugin/testing/runner.hpp"

namespace bulkhead::plugin::testing {

std::filesystem::path folder_from_environment() {
    const char* folder = std::getenv("BULKHEAD_TEST_PLUGIN");
    if (folder == nullptr || *folder == '\0') {
        throw std::invalid_argument(
            "BULKHEAD_TEST_PLUGIN is not set; run the test with ctest, or set it to the folder of the built plugin");
    }
    return folder;
}

PendingAnswer::PendingAnswer(std::shared_ptr<RunningCall> call) : call_(std::move(call)) {}
Answer PendingAnswer::wait() const { return call_->wait(); }
bool PendingAnswer::answered() const { return call_->answered(); }
void PendingAnswer::cancel() const { call_->cancel(); }

PluginUnderTest::PluginUnderTest(const std::filesystem::path& folder, const Setup& setup)
    : mode_(setup.mode ? *setup.mode : mode_from_environment()),
      runner_(mode_ == Mode::sandbox ? make_sandbox_runner(folder, setup) : make_in_process_runner(folder, setup)) {}
PluginUnderTest::PluginUnderTest(const Setup& setup) : PluginUnderTest(folder_from_environment(), setup) {}
PluginUnderTest::PluginUnderTest(PluginUnderTest&&) noexcept = default;
PluginUnderTest& PluginUnderTest::operator=(PluginUnderTest&&) noexcept = default;
PluginUnderTest::~PluginUnderTest() = default;

Answer PluginUnderTest::call(std::string_view method, std::string_view request, const CallOptions& options) {
    return start(method, request, options).wait();
}

PendingAnswer PluginUnderTest::start(std::string_view method, std::string_view request, const CallOptions& options) {
    return PendingAnswer(runner_->start(method, request, options));
}

SavedState PluginUnderTest::save() { return runner_->save(); }
std::vector<LogLine> PluginUnderTest::log() const { return runner_->log(); }
bool PluginUnderTest::logged(std::string_view text) const { return runner_->logged(text); }

}  // namespace bulkhead::plugin::testing
