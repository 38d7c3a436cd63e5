// A server that ends in the way that its argument names, while its host serves: main, exit, _exit, abort, wait (until
// it is killed). Before that it prints "family: PIDS" of all its descendants.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "programs/server.hpp"
#include "support/processes.hpp"

using namespace bulkhead::programs;

namespace {

bulkhead::tests::Family await_whole_family() {
    const auto family = bulkhead::tests::await_family_of(::getpid());
    expect(family.guard != 0, "the host is not complete");
    return family;
}

}  // namespace

int main(int, char** arguments) {
    const std::string_view how = arguments[1];
    auto host = make_host();
    const auto plugin = load(host, "faulty");
    const auto greeter = load(host, "greeter");
    expect_echo(plugin, "x");
    expect(plugin.call("fork_child", "").has_value(), "the plugin cannot start a process");
    // A call that is under way and one that waits behind it.
    std::thread([plugin] { static_cast<void>(plugin.call("sleep_forever", "")); }).detach();
    expect(bulkhead::tests::eventually([&] { return plugin.stats().in_flight == 1; }),
           "the first call is not under way");
    std::thread([plugin] { static_cast<void>(plugin.call("echo", "")); }).detach();
    expect(bulkhead::tests::eventually([&] { return plugin.stats().in_flight == 2; }), "the calls are not under way");
    await_whole_family();
    std::string family = "family:";
    for (const auto& process : bulkhead::tests::descendants_of(::getpid())) {
        family += " " + std::to_string(process.pid);
    }
    say(family);
    if (how == "main") {
        return 0;
    }
    if (how == "exit") {
        std::exit(0);
    }
    if (how == "_exit") {
        ::_exit(0);
    }
    if (how == "abort") {
        std::abort();
    }
    for (;;) {
        ::pause();
    }
}
