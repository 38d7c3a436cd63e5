// Runs a plugin for a test: in the test's own process, for the debugger, sanitizers and unit tests, or in the sandbox,
// the real host and worker. The test is the same:
//
//   #include <bulkhead/plugin/testing.hpp>
//
//   bulkhead::plugin::testing::PluginUnderTest greeter(folder);
//   assert(greeter.call("greet", "Ada").text == "Hello, Ada!");
//
// Any test framework will do. Link bulkhead::plugin_testing; bulkhead_add_plugin_test() builds such a program and has
// ctest run it in both modes. testing/fake_worker.hpp is one level below: it drives a table that is linked into the
// test, and needs no library.
#pragma once

#include "bulkhead/plugin/testing/answer.hpp"
#include "bulkhead/plugin/testing/mode.hpp"
#include "bulkhead/plugin/testing/plugin_under_test.hpp"
#include "bulkhead/plugin/testing/saved_state.hpp"
