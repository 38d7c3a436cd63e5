// Where a test runs its plugin.
#pragma once

namespace bulkhead::plugin::testing {

enum class Mode {
    in_process,  // in the test: a crash of the plugin is a crash of the test, at the place that the debugger shows
    sandbox,     // in a worker of a real host
};

// What the environment variable BULKHEAD_TEST_MODE says, "in-process" or "sandbox"; in_process when it is not set.
// Throws std::invalid_argument when it says something else. Any thread.
Mode mode_from_environment();

}  // namespace bulkhead::plugin::testing
