// Step: plugins in two languages whose answers nobody has to free.
#include <string>
#include <string_view>

#include "stage.hpp"

namespace bulkhead::demo {
namespace {

result<Bytes> greet_by_name(const Plugin& greeter, Tally& calls, std::string_view name) {
    const std::string expected = "Hello, " + std::string(name) + "!";
    return tallied(
        calls, [&] { return greeter.call("greet", name); },
        [&](const Bytes& reply) { return reply.text() == expected; });
}

void greet_in(Stage& stage, std::string_view language, const Plugin& greeter, Tally& calls) {
    const auto greeting = greet_by_name(greeter, calls, "Grace");
    stage.screen.quote(greeting ? greeting->text() : greeting.error().message);
    stage.screen.check(greeting && greeting->text() == "Hello, Grace!",
                       "the greeter in " + std::string(language) + " greets");
}

}  // namespace

void greet(Stage& stage) {
    stage.screen.step(kHasRustPlugin ? "Greet in two languages" : "Greet (rustc was not found, so only in C++)");
    greet_in(stage, "C++", *stage.greeter, stage.greeter_calls);
    if (stage.greeter_rust) {
        greet_in(stage, "Rust", *stage.greeter_rust, stage.greeter_rust_calls);
    }
    const auto refused = greet_by_name(*stage.greeter, stage.greeter_calls, "");
    stage.screen.check(
        !refused && refused.error().code == ErrorCode::plugin_failed && refused.error().plugin_number == 1,
        "what the plugin throws reaches the caller as an error with the plugin's own number and text:");
    stage.screen.quote(refused ? refused->text() : refused.error().message);
}

}  // namespace bulkhead::demo
