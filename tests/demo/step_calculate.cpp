// Step: two releases of one plugin, side by side.
#include <string>

#include "stage.hpp"
#include "support/places.hpp"

namespace bulkhead::demo {
namespace {

// One release in a host of its own, because a host has one plugin of a name.
struct Running {
    std::optional<Host> host;
    std::optional<Plugin> plugin;
};

Running run_release(Stage& stage, const std::string& folder) {
    Running running;
    auto host = Host::create(tests::host_options());
    if (!host) {
        stage.screen.check(false, host.error().message);
        return running;
    }
    running.host.emplace(*std::move(host));
    auto plugin = running.host->load(tests::built_plugin("calculator", folder));
    if (plugin) {
        running.plugin.emplace(*std::move(plugin));
    } else {
        stage.screen.check(false, plugin.error().message);
    }
    return running;
}

}  // namespace

void calculate_side_by_side(Stage& stage) {
    stage.screen.step("Calculate with two releases of one plugin, side by side");
    const Running first = run_release(stage, "calculator-1");
    const Running second = run_release(stage, "calculator-2");
    if (!first.plugin || !second.plugin) {
        return;
    }
    Table table({Table::right("calculate"), Table::right("release " + first.plugin->version()),
                 Table::right("release " + second.plugin->version())});
    bool right = true;
    for (const int number : {7, -3, 21}) {
        const auto doubled = first.plugin->call("calculate", std::to_string(number));
        const auto tripled = second.plugin->call("calculate", std::to_string(number));
        right = right && doubled && doubled->text() == std::to_string(2 * number) && tripled &&
                tripled->text() == std::to_string(3 * number);
        table.add({std::to_string(number), std::string(doubled ? doubled->text() : doubled.error().message),
                   std::string(tripled ? tripled->text() : tripled.error().message)});
    }
    stage.screen.table(table);
    stage.screen.check(right, "the first doubles, the second triples, at the same time");
}

}  // namespace bulkhead::demo
