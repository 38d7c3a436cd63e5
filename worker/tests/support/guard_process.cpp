#include "support/guard_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <type_traits>

#include "process.hpp"

extern char** environ;

namespace bulkhead::worker::test {
namespace {

using transport::Descriptor;

// Out of the way of the numbers that the guard's descriptors get.
Descriptor above_targets(const Descriptor& descriptor) {
    return Descriptor(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 10));
}

pid_t spawn_guard(const Descriptor& control, const Descriptor& host) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const Descriptor control_source = above_targets(control);
    const Descriptor host_source = above_targets(host);
    ::posix_spawn_file_actions_adddup2(&actions, control_source.get(), transport::kGuardControlDescriptor);
    ::posix_spawn_file_actions_adddup2(&actions, host_source.get(), transport::kGuardHostDescriptor);
    const char* const arguments[] = {BULKHEAD_WORKER_PROGRAM, "--guard", nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, BULKHEAD_WORKER_PROGRAM, &actions, nullptr, const_cast<char* const*>(arguments), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    REQUIRE(error == 0);
    return pid;
}

}  // namespace

GuardProcess::GuardProcess(pid_t host) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    control_.reset(ends[0]);
    const Descriptor far(ends[1]);
    const Descriptor process = open_process(host);
    REQUIRE(process);
    pid_ = spawn_guard(far, process);
}

GuardProcess::GuardProcess() : GuardProcess(::getpid()) { greet(); }

GuardProcess::~GuardProcess() {
    hang_up();
    if (pid_ != 0) {
        CHECK(await_end());
    }
}

transport::HelloMessage GuardProcess::greet() {
    receive_one();
    const auto hello = inbox_.back().as<transport::HelloMessage>();
    inbox_.pop_back();
    REQUIRE(hello);
    REQUIRE(hello->kind == transport::ControlKind::hello);
    await_fork_server();
    return *hello;
}

void GuardProcess::await_fork_server() {
    const auto message = await<transport::ForkServerStartedMessage>();
    generation_ = message.generation;
    fork_server_ = message.pid;
}

void GuardProcess::ask_for_blank(std::uint32_t generation, transport::BlankFor use) {
    transport::MakeBlankMessage message;
    message.generation = generation;
    message.use = use;
    const std::error_code error = transport::send_message(control_.get(), message);
    REQUIRE_MESSAGE(!error, error.message());
}

void GuardProcess::Blank::order(transport::StartMessage message, std::span<const int> descriptors) const {
    message.descriptor_count = static_cast<std::uint32_t>(descriptors.size());
    const std::error_code error = transport::send_message(orders.get(), message, descriptors);
    REQUIRE_MESSAGE(!error, error.message());
}

void GuardProcess::receive_one() {
    REQUIRE(await_readable(control_.get()));
    transport::Packet packet;
    std::error_code error;
    REQUIRE(transport::receive_packet(control_.get(), packet, error) == transport::Received::packet);
    inbox_.push_back(std::move(packet));
}

template <typename T>
T GuardProcess::await(pid_t pid, std::vector<Descriptor>* descriptors) {
    for (std::size_t looked = 0;; ++looked) {
        if (looked == inbox_.size()) {
            receive_one();
        }
        transport::Packet& packet = inbox_[looked];
        const auto message = packet.as<T>();
        if (!message || packet.kind() != T{}.kind) {
            continue;
        }
        if constexpr (std::is_same_v<T, transport::ExitedMessage>) {
            if (message->pid != pid) {
                continue;
            }
        }
        if (descriptors != nullptr) {
            *descriptors = std::move(packet.descriptors);
        }
        inbox_.erase(inbox_.begin() + static_cast<std::ptrdiff_t>(looked));
        return *message;
    }
}

GuardProcess::Blank GuardProcess::await_blank() {
    std::vector<Descriptor> descriptors;
    Blank blank;
    blank.pid = await<transport::BlankMessage>(0, &descriptors).pid;
    REQUIRE(descriptors.size() == transport::blank_descriptor::count);
    blank.process = std::move(descriptors[transport::blank_descriptor::process]);
    blank.orders = std::move(descriptors[transport::blank_descriptor::orders]);
    return blank;
}

transport::NoBlankMessage GuardProcess::await_no_blank() { return await<transport::NoBlankMessage>(); }

transport::ExitedMessage GuardProcess::await_exited(pid_t process) { return await<transport::ExitedMessage>(process); }

std::optional<int> GuardProcess::await_end() {
    const Descriptor process = open_process(pid_);
    if (!process || !await_readable(process.get())) {
        ::kill(pid_, SIGKILL);
        return std::nullopt;
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
}

}  // namespace bulkhead::worker::test
