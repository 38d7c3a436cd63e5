#include "server_support/resize_server.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <utility>

#include "support/places.hpp"
#include "support/processes.hpp"

namespace bulkhead::tests {
namespace {

std::vector<std::string> with_defaults(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--port", "0", "--worker", worker_executable().string()});
    return arguments;
}

}  // namespace

ResizeServer::ResizeServer(const std::vector<std::string>& arguments)
    : program_(BULKHEAD_RESIZE_SERVER, with_defaults(arguments)),
      port_(static_cast<std::uint16_t>(std::stoi(program_.await_line("serving on http://127.0.0.1:")))) {}

ResizeServer::~ResizeServer() {
    // Its workers go with it, but only soon.
    const std::vector<ProcessStatus> family =
        program_.pid() > 0 ? descendants_of(program_.pid()) : std::vector<ProcessStatus>();
    if (program_.pid() > 0) {
        ::kill(program_.pid(), SIGKILL);
    }
    for (const ProcessStatus& process : family) {
        CHECK(await_gone(process.pid));
    }
}

void ResizeServer::signal(int number) const { REQUIRE(::kill(program_.pid(), number) == 0); }

pid_t ResizeServer::worker() const {
    std::vector<pid_t> workers;
    REQUIRE(eventually([&] {
        workers = family_of(program_.pid()).others;
        return workers.size() == 1;
    }));
    return workers.front();
}

bool ResizeServer::await_figure(const std::string& pointer, int value) const {
    return eventually([&] {
        const Response stats = get(port_, "/stats");
        return stats.status == 200 && stats.json()[nlohmann::json::json_pointer(pointer)] == value;
    });
}

Frozen::Frozen(pid_t pid) : pid_(pid) {
    REQUIRE(::kill(pid_, SIGSTOP) == 0);
    REQUIRE(eventually([this] { return status_of(pid_).state == 'T'; }));
}

void Frozen::thaw() {
    if (const pid_t pid = std::exchange(pid_, 0); pid != 0) {
        ::kill(pid, SIGCONT);
    }
}

}  // namespace bulkhead::tests
