// Run by ctest twice: with the plugin in this process, and in the sandbox of a real host.
#include <bulkhead/plugin/testing.hpp>
#include <iostream>
#include <string>

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::PluginUnderTest;
using bulkhead::plugin::testing::Setup;

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
    expect_text(plugin.call("greet", R"({"name": "Ada"})"), R"({"text":"Hello, Ada!"})");
    expect_text(plugin.call("greet", R"({"name": "Ada", "times": 2})"), R"({"text":"Hello, Ada! Hello, Ada!"})");
    expect_text(plugin.call("greet", "{}"), "a greeting needs a name");
    expect_text(plugin.call("greet", R"({"name": 5})"), "name must be a string, not a number");

    PluginUnderTest polite(Setup{.config = R"({"greeting": "Good morning"})"});
    expect_text(polite.call("greet", R"({"name": "Bob"})"), R"({"text":"Good morning, Bob!"})");
    return failures == 0 ? 0 : 1;
}
