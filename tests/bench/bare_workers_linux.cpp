#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "bare_worker_messages.hpp"
#include "bare_workers.hpp"

namespace bulkhead::bench {
namespace {

using transport::Descriptor;

constexpr int kPatience = 10'000;  // milliseconds

[[noreturn]] void fail(const std::string& what, int error) {
    throw std::runtime_error("the bare fork server: " + what + ": " + std::strerror(error));
}

std::pair<Descriptor, Descriptor> socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        fail("no socket", errno);
    }
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

pid_t spawn(const char* library, const Descriptor& orders, const Descriptor& talk, const Descriptor& clock) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    // By way of numbers that no source has.
    constexpr int kDetour = 1000;
    const std::array sources{orders.get(), talk.get(), clock.get()};
    const std::array targets{kOrdersDescriptor, kWorkerDescriptor, kFaultClockDescriptor};
    for (int index = 0; index < 3; ++index) {
        ::posix_spawn_file_actions_adddup2(&actions, sources[static_cast<std::size_t>(index)], kDetour + index);
    }
    for (int index = 0; index < 3; ++index) {
        ::posix_spawn_file_actions_adddup2(&actions, kDetour + index, targets[static_cast<std::size_t>(index)]);
        ::posix_spawn_file_actions_addclose(&actions, kDetour + index);
    }
    pid_t pid = 0;
    const std::string program = BULKHEAD_BARE_FORK_SERVER;
    std::string argument = library;
    std::string name = program;
    char* arguments[] = {name.data(), argument.data(), nullptr};
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        fail(program + " cannot be started", error);
    }
    return pid;
}

void await_input(const Descriptor& descriptor, const char* what) {
    pollfd event{descriptor.get(), POLLIN, 0};
    if (::poll(&event, 1, kPatience) != 1) {
        fail(what, ETIMEDOUT);
    }
}

void send_byte(const Descriptor& socket) {
    const char byte = 1;
    if (::send(socket.get(), &byte, sizeof byte, MSG_NOSIGNAL) != 1) {
        fail("an order cannot be sent", errno);
    }
}

}  // namespace

BareWorkers::BareWorkers(const char* library) {
    auto [orders, servers_orders] = socket_pair();
    auto [talk, workers_talk] = socket_pair();
    server_ = spawn(library, servers_orders, workers_talk, clock_.file());
    orders_ = std::move(orders);
    talk_ = std::move(talk);
}

BareWorkers::~BareWorkers() {
    // Its process goes with it.
    ::kill(server_, SIGKILL);
    ::waitpid(server_, nullptr, 0);
}

void BareWorkers::start() {
    send_byte(orders_);
    await_input(talk_, "its process is not ready");
    if (::recv(talk_.get(), &worker_, sizeof worker_, 0) != sizeof worker_) {
        fail("its process does not say who it is", errno);
    }
}

void BareWorkers::watch() {
    death_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, worker_, 0)));
    if (!death_) {
        fail("its process cannot be watched", errno);
    }
}

void BareWorkers::crash() {
    clock_.reset();
    send_byte(talk_);
}

void BareWorkers::kill() const { ::kill(worker_, SIGKILL); }

void BareWorkers::await_death() const { await_input(death_, "its process does not die"); }

}  // namespace bulkhead::bench
