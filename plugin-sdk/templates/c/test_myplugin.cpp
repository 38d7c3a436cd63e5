// Run by ctest twice: with the plugin in this process, and in the sandbox of a real host.
#include <bulkhead/plugin/testing.hpp>
#include <iostream>
#include <string>

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::PluginUnderTest;

namespace {

int failures = 0;

void expect_text(const Answer& answer, const std::string& text) {
    if (answer.text != text) {
        ++failures;
        std::cerr << "expected: " << text << "\nbut got:  " << answer.text << '\n';
    }
}

}  // namespace

int main() {
    PluginUnderTest plugin;
    expect_text(plugin.call("shout", "hello, Ada"), "HELLO, ADA");
    expect_text(plugin.call("shout", std::string(100'000, 'a')), std::string(100'000, 'A'));
    expect_text(plugin.call("shout", ""), "there is nothing to shout");
    return failures == 0 ? 0 : 1;
}
