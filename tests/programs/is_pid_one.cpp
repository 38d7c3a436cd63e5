// A server that is pid 1 of a pid namespace, as in a container: orphans become its children, and signals without a
// handler do not reach it.
#include <sys/wait.h>
#include <unistd.h>

#include "programs/server.hpp"
#include "support/processes.hpp"
#include "support/until.hpp"

using namespace bulkhead::programs;

int main() {
    expect(::getpid() == 1, "this is not pid 1");
    {
        auto host = make_host();
        const auto plugin = load(host, "faulty", kTireless);
        serve_through_deaths(plugin);
        const auto child = plugin.call("fork_child", "");
        expect(child.has_value(), "the plugin cannot fork");
        const pid_t orphan = std::stoi(std::string(child->text()));
        expect(plugin.call("abort", "").has_error(), "abort() is no error");
        expect(bulkhead::tests::await_gone(orphan), "what a dead worker had started lives on");
        expect_echo_soon(plugin, "at last");
    }
    // What a killed guard leaves behind is handed to pid 1, whose duty is to reap.
    const bool alone = bulkhead::tests::eventually([] {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        return bulkhead::tests::descendants_of(1).empty();
    });
    expect(alone, "somebody is left");
    say("done");
}
