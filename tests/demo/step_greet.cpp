// Step: a C++ plugin whose answers nobody has to free.
#include <string>
#include <string_view>

#include "stage.hpp"

namespace bulkhead::demo {
namespace {

result<Bytes> greet_by_name(Stage& stage, std::string_view name) {
    const std::string expected = "Hello, " + std::string(name) + "!";
    return tallied(
        stage.greeter_calls, [&] { return stage.greeter->call("greet", name); },
        [&](const Bytes& reply) { return reply.text() == expected; });
}

}  // namespace

void greet(Stage& stage) {
    stage.screen.step("Greet");
    const auto greeting = greet_by_name(stage, "Grace");
    stage.screen.quote(greeting ? greeting->text() : greeting.error().message);
    stage.screen.check(greeting && greeting->text() == "Hello, Grace!", "the greeter greets");

    const auto refused = greet_by_name(stage, "");
    stage.screen.check(
        !refused && refused.error().code == ErrorCode::plugin_failed && refused.error().plugin_number == 1,
        "what the plugin throws reaches the caller as an error with the plugin's own number and text:");
    stage.screen.quote(refused ? refused->text() : refused.error().message);
}

}  // namespace bulkhead::demo
