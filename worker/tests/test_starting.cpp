// How a worker comes to life, what it has then, and how it ends.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "bulkhead/plugin/plugin.h"
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
    const auto exited = guard.await_exited(worker.start_id);
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
    CHECK(guard.await_exited(worker.start_id).wait_status == 0);
    CHECK(worker.read_output() == "destroyed\ngoodbye\n");
}

TEST_CASE("the exit of a worker that crashed is reported with its signal") {
    GuardProcess guard;
    TestLane lane(guard);
    TestWorker worker = lane.start_serving();
    const std::uint64_t id = lane.publish(worker, "crash", "");
    CHECK(guard.await_exited(worker.start_id).wait_status == SIGABRT);
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

TEST_CASE("an order with too few descriptors gets an error, and the next one a worker") {
    GuardProcess guard;
    TestLane lane(guard);
    transport::StartMessage message;
    message.generation = guard.generation();
    message.start_id = guard.next_start_id();
    message.descriptor_count = 6;
    guard.send(message, {});
    CHECK(guard.await_start_failed(message.start_id).error == EPROTO);
    TestWorker worker = lane.start_serving();
    CHECK(lane.call(worker, "echo", "x").payload == "x");
}

// More orders than the socket has room for answers.
std::uint64_t send_many_bad_orders(GuardProcess& guard, std::uint64_t count) {
    transport::StartMessage message;
    message.generation = guard.generation();
    message.descriptor_count = 6;
    for (std::uint64_t index = 0; index < count; ++index) {
        message.start_id = guard.next_start_id();
        guard.send(message, {});
    }
    return message.start_id;
}

TEST_CASE("a host that does not read for a while gets every answer later") {
    constexpr std::uint64_t kOrders = 400;
    GuardProcess guard;
    const std::uint64_t last = send_many_bad_orders(guard, kOrders);
    for (std::uint64_t id = last - kOrders + 1; id <= last; ++id) {
        CHECK(guard.await_start_failed(id).error == EPROTO);
    }
}

TEST_CASE("a host that leaves without reading is noticed by a fork server that waits for it") {
    GuardProcess guard;
    send_many_bad_orders(guard, 400);
    const pid_t fork_server = guard.fork_server();
    guard.hang_up();
    CHECK(await_gone(fork_server));
    CHECK(guard.await_end() == 0);
}

TEST_CASE("a fork server that has no descriptors free says so, and works again later") {
    GuardProcess guard;
    TestLane lane(guard);
    const TestWorker first = lane.start();  // from now on the fork server has all that it needs for itself
    rlimit few{};
    ::prlimit(guard.fork_server(), RLIMIT_NOFILE, nullptr, &few);
    const rlimit former = few;
    few.rlim_cur = 12;
    REQUIRE(::prlimit(guard.fork_server(), RLIMIT_NOFILE, &few, nullptr) == 0);
    transport::StartMessage message;
    message.generation = guard.generation();
    message.start_id = guard.next_start_id();
    const int many[] = {guard.control(), guard.control(), guard.control(), guard.control(),
                        guard.control(), guard.control(), guard.control(), guard.control()};
    message.descriptor_count = 8;
    guard.send(message, many);
    CHECK(guard.await_start_failed(message.start_id).error == EMFILE);
    REQUIRE(::prlimit(guard.fork_server(), RLIMIT_NOFILE, &former, nullptr) == 0);
    TestWorker worker = lane.start_serving();
    CHECK(lane.call(worker, "echo", "x").payload == "x");
}

TEST_CASE("a blank that was killed is replaced") {
    GuardProcess guard;
    TestLane lane(guard);
    for (int round = 0; round < 20; ++round) {
        for (const pid_t child : children_of(guard.fork_server())) {
            if (name_of(child).starts_with("bulkhead-")) {
                ::kill(child, SIGKILL);
                CHECK(await_gone(child));
            }
        }
        TestWorker worker = lane.start();
        CHECK(worker.await_settled() == Life::ready);
    }
}

TEST_CASE("a thousand starts and kills leave nothing behind") {
    GuardProcess guard;
    TestLane lane(guard);
    const auto start_and_kill = [&] {
        TestWorker worker = lane.start();
        ::kill(worker.pid, SIGKILL);
        CHECK(guard.await_exited(worker.start_id).wait_status == SIGKILL);
    };
    start_and_kill();
    for (const auto deadline = patience();
         children_of(guard.fork_server()).size() != 1 && std::chrono::steady_clock::now() < deadline;) {
        std::this_thread::yield();  // the next blank is not there yet
    }
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
    CHECK(children_of(guard.fork_server()).size() <= 2);
}

}  // namespace
}  // namespace bulkhead::worker::test
