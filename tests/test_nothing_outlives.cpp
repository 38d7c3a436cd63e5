// Law 7: however the host ends, nothing of it is left.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <vector>

#include "support/places.hpp"
#include "support/processes.hpp"
#include "support/program.hpp"
#include "support/scale.hpp"
#include "support/snapshot.hpp"

namespace bulkhead::tests {
namespace {

using namespace std::chrono_literals;

#ifdef __SANITIZE_THREAD__
constexpr auto kAtOnce = 1000ms;
#else
constexpr auto kAtOnce = 100ms;
#endif

// A server that has told us its whole family.
struct Server {
    explicit Server(const std::string& how) : program(built_program("ends"), {how}) {
        std::istringstream pids(program.await_line("family:"));
        for (pid_t pid = 0; pids >> pid;) {
            family.push_back(pid);
        }
        // Guard, fork server, blank, two workers, and the process that one of them started.
        REQUIRE(family.size() >= 6);
    }

    pid_t member(std::string_view name) const {
        const auto found =
            std::find_if(family.begin(), family.end(), [&](pid_t pid) { return status_of(pid).name == name; });
        REQUIRE(found != family.end());
        return *found;
    }

    bool family_is_gone() const {
        return std::none_of(family.begin(), family.end(), [](pid_t pid) { return is_alive(pid); });
    }

    // What is left after the time that is allowed, as text.
    std::string survivors(std::chrono::nanoseconds allowed) const {
        std::string text;
        if (!eventually([this] { return family_is_gone(); }, allowed)) {
            for (const pid_t pid : family) {
                if (is_alive(pid)) {
                    text += std::to_string(pid) + " " + status_of(pid).name + "\n";
                }
            }
        }
        return text;
    }

    Program program;
    std::vector<pid_t> family;
};

// Kills several servers, each after `prepare(server)`. Their families must go, and go at once; but a machine with other
// work may keep one of them from its core, so that a few may be late.
template <typename Prepare>
void check_that_nothing_outlives_a_kill(int turns, Prepare&& prepare) {
    int late = 0;
    for (int turn = 0; turn < turns; ++turn) {
        const Server server("wait");
        prepare(server);
        ::kill(server.program.pid(), SIGKILL);
        REQUIRE(await_gone(server.program.pid()));
        late += server.survivors(kAtOnce).empty() ? 0 : 1;
        CHECK(server.survivors(kPatience) == "");
    }
    CHECK(late <= (turns + 3) / 4);
}

// Waits until a process has a child that is none of these.
bool has_another_child(pid_t parent, const std::vector<ProcessStatus>& known) {
    return eventually([&] {
        const auto children = children_of(parent);
        return std::any_of(children.begin(), children.end(), [&](const ProcessStatus& child) {
            return std::none_of(known.begin(), known.end(),
                                [&](const ProcessStatus& other) { return other.pid == child.pid; });
        });
    });
}

TEST_CASE("a server that is killed with SIGKILL leaves nothing behind within 100 ms") {
    const Snapshot before = Snapshot::take();
    check_that_nothing_outlives_a_kill(scaled(20), [](const Server&) {});
    CHECK(before.leftovers() == "");
}

TEST_CASE("however a server ends, nothing is left") {
    const Snapshot before = Snapshot::take();
    for (const char* how : {"main", "exit", "_exit", "abort"}) {
        CAPTURE(how);
        Server server(how);
        server.program.await_end();
        CHECK(server.survivors(kPatience) == "");
    }
    CHECK(before.leftovers() == "");
}

TEST_CASE("a server that is killed while its fork server is stopped leaves nothing behind") {
    check_that_nothing_outlives_a_kill(scaled(8),
                                       [](const Server& server) { ::kill(server.member("bulkhead-forks"), SIGSTOP); });
}

TEST_CASE("a server that is killed while its guard is stopped leaves nothing behind") {
    check_that_nothing_outlives_a_kill(scaled(8),
                                       [](const Server& server) { ::kill(server.member("bulkhead-guard"), SIGSTOP); });
}

TEST_CASE("a server that is killed while its guard was stopped as soon as it ran leaves nothing behind") {
    for (int turn = 0; turn < scaled(20); ++turn) {
        const Server server("wait");
        const pid_t former = server.member("bulkhead-guard");
        ::kill(former, SIGKILL);
        pid_t young = 0;
        REQUIRE(eventually([&] {
            for (const ProcessStatus& child : children_of(server.program.pid())) {
                const bool runs = child.name != status_of(server.program.pid()).name;  // not before it is executed
                young = runs && child.pid != former ? child.pid : young;
            }
            return young != 0;
        }));
        ::kill(young, SIGSTOP);
        ::kill(server.program.pid(), SIGKILL);
        CHECK(await_gone(young));
        CHECK(server.survivors(kPatience) == "");
    }
}

TEST_CASE("a server that is killed while its workers are stopped leaves nothing behind") {
    check_that_nothing_outlives_a_kill(scaled(8), [](const Server& server) {
        for (const pid_t pid : server.family) {
            if (!status_of(pid).name.starts_with("bulkhead-")) {
                ::kill(pid, SIGSTOP);
            }
        }
    });
}

TEST_CASE("a server that is killed together with its guard leaves nothing behind") {
    check_that_nothing_outlives_a_kill(scaled(10),
                                       [](const Server& server) { ::kill(server.member("bulkhead-guard"), SIGKILL); });
}

TEST_CASE("a server that is killed together with its guard, while its fork server is stopped, leaves nothing behind") {
    check_that_nothing_outlives_a_kill(scaled(10), [](const Server& server) {
        ::kill(server.member("bulkhead-forks"), SIGSTOP);
        ::kill(server.member("bulkhead-guard"), SIGKILL);
    });
}

TEST_CASE("a server that is killed together with its fork server leaves nothing behind") {
    check_that_nothing_outlives_a_kill(scaled(10),
                                       [](const Server& server) { ::kill(server.member("bulkhead-forks"), SIGKILL); });
}

TEST_CASE("what a plugin started goes even if its worker dies after the guard and before the fork server knows") {
    const Server server("wait");
    const pid_t forks = server.member("bulkhead-forks");
    std::vector<pid_t> workers;
    for (const ProcessStatus& child : children_of(forks)) {
        workers.push_back(child.pid);
    }
    ::kill(forks, SIGSTOP);
    ::kill(server.member("bulkhead-guard"), SIGKILL);
    for (const pid_t worker : workers) {
        ::kill(worker, SIGKILL);
        REQUIRE(await_gone(worker));
    }
    ::kill(forks, SIGCONT);
    ::kill(server.program.pid(), SIGKILL);
    CHECK(server.survivors(kPatience) == "");
}

TEST_CASE("signals that end programs from a terminal are the server's business, not its family's") {
    const Server server("wait");
    const pid_t guard = server.member("bulkhead-guard");
    const pid_t forks = server.member("bulkhead-forks");
    const std::vector<ProcessStatus> children = children_of(forks);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        ::kill(guard, number);
        ::kill(forks, number);
    }
    // They would not die at once; but then the fork server could not replace a worker, nor the guard the fork server.
    REQUIRE_FALSE(children.empty());
    ::kill(children.front().pid, SIGKILL);
    CHECK(has_another_child(forks, children));
    ::kill(forks, SIGKILL);
    CHECK(has_another_child(guard, {status_of(forks)}));
    ::kill(server.program.pid(), SIGKILL);
    CHECK(server.survivors(kPatience) == "");
}

}  // namespace
}  // namespace bulkhead::tests
