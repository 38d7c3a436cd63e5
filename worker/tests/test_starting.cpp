// How a worker comes to life, what it has then, and how it ends.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "bulkhead/plugin/plugin.h"
#include "bulkhead/transport/waiting.hpp"
#include "support/lane_of_test.hpp"

namespace bulkhead::worker::test {
namespace {

using transport::Life;

std::set<std::string> lines_of(const std::string& text) {
    std::set<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.insert(line);
    }
    return lines;
}

long open_descriptors(pid_t process) {
    const std::filesystem::directory_iterator folder("/proc/" + std::to_string(process) + "/fd");
    return std::distance(begin(folder), end(folder));
}

// True as soon as the process has no more descriptors than that. It may be in the middle of something.
bool await_descriptors(pid_t process, long count) {
    const auto deadline = patience();
    while (open_descriptors(process) > count && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    return open_descriptors(process) <= count;
}

TEST_CASE("a worker describes its methods, serves, and ends in order with status 0") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    CHECK(worker.pid > 0);
    CHECK(worker.outbox.header().pid == worker.pid);
    CHECK(worker.outbox.header().incarnation == worker.incarnation);
    CHECK(worker.method("echo") == 0);
    CHECK(worker.outbox.methods()[0].flags == BULKHEAD_METHOD_IDEMPOTENT);
    CHECK(lane.call(worker, "echo", "x").payload == "x");
    CHECK(name_of(worker.pid) == "tested");

    lane.shut_down(worker);
    const auto exited = guard.await_exited(worker.pid);
    CHECK(exited.wait_status == 0);
    CHECK(exited.peak_resident_bytes > 0);
    CHECK(worker.life() == Life::stopped);
    CHECK(worker.read_output() == "activated\ndeactivated\ndestroyed\ngoodbye\n");
}

TEST_CASE("a worker that stands by can be shut down without ever serving") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start();
    REQUIRE(worker.await_settled() == Life::ready);
    lane.shut_down(worker);
    CHECK(guard.await_exited(worker.pid).wait_status == 0);
    CHECK(worker.read_output() == "destroyed\ngoodbye\n");
}

TEST_CASE("the exit of a worker that crashed is reported with its signal") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    const std::uint64_t id = lane.publish(worker, "crash", "");
    CHECK(guard.await_exited(worker.pid).wait_status == SIGABRT);
    CHECK(await_readable(worker.process.get()));
    CHECK(worker.outbox.header().begun.load() == 1);
    CHECK(worker.outbox.header().current_call_id == id);
}

TEST_CASE("a plugin finds three descriptors, and the pipe that harms nobody but itself") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    const std::set<std::string> lines = lines_of(lane.call(worker, "list_descriptors", "").payload);
    int pipes = 0;
    for (const std::string& line : lines) {
        CAPTURE(line);
        const bool is_pipe = line.find("pipe:") != std::string::npos;
        CHECK((line == "0 /dev/null" || is_pipe));
        pipes += is_pipe;
    }
    CHECK(lines.size() == 4);
    CHECK(pipes == 3);
}

TEST_CASE("a plugin's environment is exactly what its order lists") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker empty = lane.start_serving();
    CHECK(lane.call(empty, "environment", "").payload.empty());
    TestWorker worker = lane.start_serving({.json_members = R"(,"environment":{"TZ":"UTC","A":""})"});
    CHECK(lines_of(lane.call(worker, "environment", "").payload) == std::set<std::string>{"A=", "TZ=UTC"});
}

TEST_CASE("a worker has the limits of its order, and leaves no core dump, in a file or a pipe") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker =
        lane.start_serving({.json_members = R"(,"limits":{"open_files":77,"file_size":1000,"cpu_seconds":500})"});
    const auto limit = [&](__rlimit_resource resource) {
        rlimit result{};
        ::prlimit(worker.pid, resource, nullptr, &result);
        CHECK(result.rlim_max == result.rlim_cur + (resource == RLIMIT_CPU ? 1 : 0));
        return result.rlim_cur;
    };
    CHECK(limit(RLIMIT_NOFILE) == 77);
    CHECK(limit(RLIMIT_FSIZE) == 1000);
    CHECK(limit(RLIMIT_CPU) == 500);
    rlimit own{};
    ::getrlimit(RLIMIT_CORE, &own);
    // Only a limit of 1 stops dumps into a pipe; it is out of reach for who may not raise a limit of 0.
    CHECK(limit(RLIMIT_CORE) == (own.rlim_max == 0 && ::geteuid() != 0 ? 0 : 1));
}

TEST_CASE("a worker that is told to start beforehand serves when it is ready, and wakes who waits for that") {
    GuardProcess guard;
    TestLane lane(guard);
    const auto woken = std::async(std::launch::async, [&lane] {
        transport::futex_wait(lane.outbox().first_answer(), 0, transport::kNoDeadline);
    });
    TestWorker former = lane.start_serving();
    do {  // whoever comes too late for the first answer of one is woken by that of the next
        WorkerOrder order;
        order.start = lane.outbox().requests().head();
        lane.stop_at(former, *order.start);
        lane.publish(former, "echo", "x");
        TestWorker worker = lane.start(order);
        CHECK(lane.await_answer(worker).payload == "x");
        former = std::move(worker);
    } while (woken.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready);
    CHECK(former.life() == Life::serving);
}

TEST_CASE("a blank that is given fewer descriptors than its order says ends") {
    GuardProcess guard;
    const GuardProcess::Blank blank = guard.make_blank();
    transport::StartMessage message;
    message.descriptor_count = 6;
    REQUIRE_FALSE(transport::send_message(blank.orders.get(), message));
    CHECK(WEXITSTATUS(guard.await_exited(blank.pid).wait_status) == transport::kOrderUnread);
}

TEST_CASE("a blank that has no descriptors free for its order ends") {
    GuardProcess guard;
    const GuardProcess::Blank blank = guard.make_blank();
    rlimit few{};
    REQUIRE(::prlimit(blank.pid, RLIMIT_NOFILE, nullptr, &few) == 0);
    few.rlim_cur = 6;
    REQUIRE(::prlimit(blank.pid, RLIMIT_NOFILE, &few, nullptr) == 0);
    const int many[] = {guard.control(), guard.control(), guard.control(), guard.control(), guard.control()};
    transport::StartMessage message;
    message.role = transport::WorkerRole::inspect;
    blank.order(message, many);
    CHECK(WEXITSTATUS(guard.await_exited(blank.pid).wait_status) == transport::kOrderUnread);
}

TEST_CASE("a blank that nobody holds any more ends in order") {
    GuardProcess guard;
    const pid_t blank = guard.make_blank().pid;
    CHECK(guard.await_exited(blank).wait_status == 0);
}

TEST_CASE("of a blank that is killed the host hears like of a worker") {
    GuardProcess guard;
    const GuardProcess::Blank blank = guard.make_blank();
    ::kill(blank.pid, SIGKILL);
    CHECK(guard.await_exited(blank.pid).wait_status == SIGKILL);
    CHECK(transport::send_message(blank.orders.get(), transport::StartMessage()) == std::errc::broken_pipe);
}

// Without descriptors a fork server can make no blank. Gives the former limit back.
rlimit limit_descriptors(pid_t process, rlimit limit) {
    rlimit former{};
    REQUIRE(::prlimit(process, RLIMIT_NOFILE, nullptr, &former) == 0);
    limit.rlim_max = former.rlim_max;
    REQUIRE(::prlimit(process, RLIMIT_NOFILE, &limit, nullptr) == 0);
    return former;
}

// More than the socket has room for answers. The former limit of the fork server's descriptors, of which none is free.
rlimit ask_for_many_blanks(GuardProcess& guard, int count) {
    const rlimit former = limit_descriptors(guard.fork_server(), {4, 0});
    for (int index = 0; index < count; ++index) {
        guard.ask_for_blank(guard.generation());
    }
    return former;
}

TEST_CASE("a fork server that has no descriptors free says so, to a host that reads late too, and works again later") {
    constexpr int kAsked = 400;
    GuardProcess guard;
    TestLane lane(guard);
    lane.start();  // from now on the fork server has all that it needs for itself
    const rlimit former = ask_for_many_blanks(guard, kAsked);
    for (int index = 0; index < kAsked; ++index) {
        CHECK(guard.await_no_blank().error == EMFILE);
    }
    limit_descriptors(guard.fork_server(), former);
    TestWorker worker = lane.start_serving();
    CHECK(lane.call(worker, "echo", "x").payload == "x");
}

TEST_CASE("a host that leaves without reading is noticed by a fork server that waits for it") {
    GuardProcess guard;
    ask_for_many_blanks(guard, 400);
    const pid_t fork_server = guard.fork_server();
    guard.hang_up();
    CHECK(await_gone(fork_server));
    CHECK(guard.await_end() == 0);
}

TEST_CASE("a thousand starts and kills leave nothing behind") {
    GuardProcess guard;
    TestLane lane(guard);
    const auto start_and_kill = [&] {
        TestWorker worker = lane.start();
        ::kill(worker.pid, SIGKILL);
        CHECK(guard.await_exited(worker.pid).wait_status == SIGKILL);
    };
    start_and_kill();
    const long own = open_descriptors(::getpid());
    const long of_guard = open_descriptors(guard.pid());
    const long of_fork_server = open_descriptors(guard.fork_server());
    for (int round = 0; round < 1000; ++round) {
        start_and_kill();
    }
    CHECK(open_descriptors(::getpid()) == own);
    CHECK(await_descriptors(guard.pid(), of_guard));
    CHECK(await_descriptors(guard.fork_server(), of_fork_server));
    CHECK(children_of(guard.pid()).size() == 1);
    CHECK(children_of(guard.fork_server()).empty());
}

}  // namespace
}  // namespace bulkhead::worker::test
