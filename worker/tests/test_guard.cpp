// Who ends with whom: the guard, its fork server, workers and what those have started.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "bulkhead/transport/build_stamp.hpp"
#include "process.hpp"
#include "support/lane_of_test.hpp"

extern char** environ;

namespace bulkhead::worker::test {
namespace {

using transport::Descriptor;
using transport::Life;

// A worker that serves, with a child and an orphan of its own.
struct Family {
    explicit Family(TestLane& lane) : worker(lane.start_serving()) {
        child = std::stoi(lane.call(worker, "spawn_child", "").payload);
        orphan = std::stoi(lane.call(worker, "spawn_orphan", "").payload);
        REQUIRE(is_alive(child));
        REQUIRE(is_alive(orphan));
    }
    bool await_gone() const {
        return await_readable(worker.process.get()) && test::await_gone(child) && test::await_gone(orphan);
    }

    TestWorker worker;
    pid_t child = 0;
    pid_t orphan = 0;
};

int run_by_hand(const char* argument) {
    const char* const arguments[] = {BULKHEAD_WORKER_PROGRAM, argument, nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    for (int descriptor = 3; descriptor < 10; ++descriptor) {
        ::posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", 0, 0);
    }
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, BULKHEAD_WORKER_PROGRAM, &actions, nullptr, const_cast<char* const*>(arguments), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    REQUIRE(error == 0);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
}

// A set of signals in the process's status, such as "SigIgn".
std::uint64_t signals_of(pid_t process, const std::string& set) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with(set + ":")) {
    }
    REQUIRE(status);
    return std::stoull(line.substr(set.size() + 1), nullptr, 16);
}

TEST_CASE("the guard says which build it is of, and announces its fork server") {
    GuardProcess guard(::getpid());
    const transport::HelloMessage hello = guard.greet();
    CHECK(hello.layout_version == transport::kLayoutVersion);
    CHECK(std::string(hello.build_stamp, sizeof hello.build_stamp) == transport::kBuildStamp);
    CHECK(guard.generation() == 1);
    CHECK(parent_of(guard.fork_server()) == guard.pid());
    CHECK(name_of(guard.pid()) == "bulkhead-guard");
}

TEST_CASE("the program does nothing when somebody starts it by hand") {
    CHECK(run_by_hand("--version") == 0);
    CHECK(WEXITSTATUS(run_by_hand("--guard")) == 2);
    CHECK(WEXITSTATUS(run_by_hand("--nonsense")) == 2);
}

TEST_CASE("a host that hangs up ends guard, fork server, workers and their descendants") {
    GuardProcess guard;
    TestLane lane(guard);
    const Family family(lane);
    const pid_t fork_server = guard.fork_server();
    guard.hang_up();
    CHECK(family.await_gone());
    CHECK(await_gone(fork_server));
    CHECK(guard.await_end() == 0);
}

TEST_CASE("a host that is killed ends all of it, even while somebody else holds its sockets") {
    Bystander host;
    GuardProcess guard(host.pid());
    guard.greet();
    TestLane lane(guard);
    const Family family(lane);
    host.kill();
    CHECK(family.await_gone());
    CHECK(guard.await_end() == 0);
}

TEST_CASE("a fork server that is killed takes its workers along, and the next one serves") {
    GuardProcess guard;
    TestLane lane(guard);
    for (std::uint32_t generation = 2; generation < 8; ++generation) {
        const Family family(lane);
        ::kill(guard.fork_server(), SIGKILL);
        CHECK(family.await_gone());
        guard.await_fork_server();
        CHECK(guard.generation() == generation);
    }
}

TEST_CASE("what a former fork server was asked for is ignored by the next one") {
    GuardProcess guard;
    TestLane lane(guard);
    ::kill(guard.fork_server(), SIGKILL);
    guard.await_fork_server();
    guard.ask_for_blank(guard.generation() - 1);
    TestWorker worker = lane.start();
    CHECK(worker.await_settled() == Life::ready);
    CHECK(children_of(guard.fork_server()).size() == 1);
}

TEST_CASE("a guard that is killed takes everything along") {
    GuardProcess guard;
    TestLane lane(guard);
    const Family family(lane);
    const pid_t fork_server = guard.fork_server();
    ::kill(guard.pid(), SIGKILL);
    CHECK(guard.await_end() == SIGKILL);
    CHECK(family.await_gone());
    CHECK(await_gone(fork_server));
}

TEST_CASE("what a worker started dies with it, and nothing of another worker does") {
    GuardProcess guard;
    TestLane lane(guard);
    const Family unhappy(lane);
    const Family happy(lane);
    CHECK(parent_of(happy.orphan) == happy.worker.pid);
    ::kill(unhappy.worker.pid, SIGKILL);
    CHECK(unhappy.await_gone());
    CHECK(is_alive(happy.worker.pid));
    CHECK(is_alive(happy.child));
    CHECK(is_alive(happy.orphan));
}

TEST_CASE("what is sent to every process of a server does not end the guard or its fork server") {
    GuardProcess guard;
    TestLane lane(guard);
    const std::set<int> ours{SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,
                             SIGKILL, SIGSTOP, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCHLD};
    for (int number = 1; number < NSIG; ++number) {  // also those that the C library keeps to itself
        if (!ours.contains(number)) {
            ::kill(guard.pid(), number);
            ::kill(guard.fork_server(), number);
        }
    }
    CHECK(guard.generation() == 1);
    TestWorker worker = lane.start_serving();
    CHECK(lane.call(worker, "echo", "x").payload == "x");
}

TEST_CASE("a worker starts with its signals as a fresh program has them") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    CHECK(signals_of(worker.pid, "SigIgn") == 0);
    CHECK(signals_of(worker.pid, "SigBlk") == 0);
    ::kill(worker.pid, SIGTERM);
    CHECK(guard.await_exited(worker.pid).wait_status == SIGTERM);
}

TEST_CASE("guards can be made and ended many times") {
    for (int round = 0; round < 50; ++round) {
        GuardProcess guard;
        CHECK(guard.generation() == 1);
    }
}

TEST_CASE("a guard whose host leaves at once ends as well") {
    for (int round = 0; round < 50; ++round) {
        GuardProcess guard(::getpid());
        guard.hang_up();
        CHECK(guard.await_end());
    }
}

TEST_CASE("guard and workers have process groups of their own in the server's session") {
    GuardProcess guard;
    TestLane lane(guard);
    const TestWorker worker = lane.start_serving();
    for (const pid_t process : {guard.pid(), worker.pid}) {
        CHECK(::getpgid(process) == process);
        CHECK(::getsid(process) == ::getsid(0));
    }
}

bool has_terminal() {
    const Descriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    return static_cast<bool>(terminal);
}

// In a process of its own. True: so it was there.
bool holds_in_child(bool (*check)()) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(check() ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST_CASE("who leaves the terminal has none any more, and takes it from nobody") {
    CHECK(holds_in_child([] {
        ::signal(SIGHUP, SIG_IGN);  // it comes when the terminal is closed
        const Descriptor terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (!terminal || ::grantpt(terminal.get()) != 0 || ::unlockpt(terminal.get()) != 0 || ::setsid() < 0) {
            return false;
        }
        const Descriptor controlling(::open(::ptsname(terminal.get()), O_RDWR | O_CLOEXEC));
        const auto leaves = [] {
            const pid_t session = ::getsid(0);
            const bool had_one = has_terminal();
            leave_terminal();
            return had_one && !has_terminal() && holds_in_child([] { return !has_terminal(); }) &&
                   ::getsid(0) == session && ::getpgid(0) == ::getpid();
        };
        return controlling && has_terminal() && holds_in_child(leaves) && has_terminal();
    }));
}

}  // namespace
}  // namespace bulkhead::worker::test
