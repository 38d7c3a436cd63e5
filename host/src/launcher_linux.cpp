#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bulkhead/transport/build_stamp.hpp>
#include <bulkhead/transport/layout.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "launcher.hpp"

namespace bulkhead::detail {

using transport::ControlKind;
using transport::Descriptor;
using transport::Packet;
using transport::Received;

namespace {

constexpr std::chrono::milliseconds kHelloPatience{10'000};
constexpr std::chrono::milliseconds kGuardPatience{2'000};
constexpr std::chrono::milliseconds kGuardRetry{100};
constexpr std::chrono::milliseconds kShortGuardLife{20};

Error launcher_error(const std::string& sentence) {
    return Error{ErrorCode::load_failed, Effect::none, 0, sentence, nullptr};
}

}  // namespace

Launcher::Launcher(Supervisor& supervisor, std::filesystem::path worker)
    : supervisor_(supervisor), worker_(std::move(worker)) {}

result<std::unique_ptr<Launcher>> Launcher::create(Supervisor& supervisor, std::filesystem::path worker) {
    std::unique_ptr<Launcher> launcher(new Launcher(supervisor, std::move(worker)));
    launcher->executable_.reset(::open(launcher->worker_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!launcher->executable_) {
        return launcher_error("the worker executable " + launcher->worker_.string() +
                              " cannot be opened: " + std::generic_category().message(errno));
    }
    if (auto error = launcher->start_guard()) {
        return *std::move(error);
    }
    if (auto error = launcher->check_hello()) {
        launcher->shut_down();
        return *std::move(error);
    }
    return launcher;
}

std::optional<Error> Launcher::start_guard() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return launcher_error("the host cannot make a control socket: " + std::generic_category().message(errno));
    }
    control_.reset(pair[0]);
    const Descriptor far_end(pair[1]);
    auto guard = GuardProcess::start(executable_, worker_, far_end);
    if (!guard) {
        control_.reset();
        return guard.error();
    }
    guard_ = std::move(*guard);
    return std::nullopt;
}

std::optional<Error> Launcher::check_hello() {
    pollfd readable{control_.get(), POLLIN, 0};
    const auto deadline = std::chrono::steady_clock::now() + kHelloPatience;
    int ready = 0;
    do {
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        ready = ::poll(&readable, 1, std::max(0, static_cast<int>(rest.count())));
    } while (ready < 0 && errno == EINTR);
    Packet packet;
    std::error_code error;
    const std::string name = "the worker executable " + worker_.string();
    if (ready <= 0 || transport::receive_packet(control_.get(), packet, error) != Received::packet) {
        return launcher_error(name + " is not a bulkhead-worker: it did not greet the host");
    }
    const auto hello = packet.as<transport::HelloMessage>();
    if (!hello || hello->kind != ControlKind::hello) {
        return launcher_error(name + " is not a bulkhead-worker: it greeted with something else");
    }
    if (hello->layout_version != transport::kLayoutVersion) {
        return launcher_error(name + " speaks channel layout " + std::to_string(hello->layout_version) +
                              ", this host speaks " + std::to_string(transport::kLayoutVersion) +
                              ": install host and worker of one version");
    }
    if (std::string_view(hello->build_stamp, transport::kBuildStampSize) != transport::kBuildStamp) {
        return launcher_error(name + " is of another build than this host: install host and worker of one build");
    }
    return std::nullopt;
}

void Launcher::run() {
    retry_timer_ = supervisor_.add_timer([this] {
        if (start_guard()) {
            supervisor_.arm(retry_timer_, std::chrono::steady_clock::now() + kGuardRetry);
        } else {
            listen();
        }
    });
    listen();
}

void Launcher::listen() {
    guard_since_ = std::chrono::steady_clock::now();
    control_watch_ = supervisor_.watch(control_.get(), EPOLLIN, [this](std::uint32_t events) { on_control(events); });
    guard_watch_ = supervisor_.watch(guard_.pidfd().get(), EPOLLIN, [this](std::uint32_t) { on_guard_gone(); });
}

void Launcher::order(LaunchOrder order) {
    const std::uint64_t id = order.message.start_id;
    orders_.emplace(id, Order{std::move(order), 0});
    send_orders();
}

void Launcher::withdraw(std::uint64_t start_id) { orders_.erase(start_id); }

void Launcher::send_orders() {
    bool full = false;
    for (auto entry = orders_.begin(); entry != orders_.end() && generation_ != 0 && !full;) {
        Order& order = entry->second;
        if (order.sent_to == generation_) {
            ++entry;
            continue;
        }
        order.order.message.generation = generation_;
        order.order.message.descriptor_count = static_cast<std::uint32_t>(order.order.descriptors.size());
        const std::error_code error = transport::send_message(control_.get(), order.order.message,
                                                              order.order.descriptors, transport::Blocking::no);
        full = error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again;
        if (full) {
            continue;
        }
        if (!error) {
            order.sent_to = generation_;
            order.order.descriptors.clear();
            order.order.keeps.reset();
            ++entry;
            continue;
        }
        // EPIPE: the guard is gone, which the pidfd will tell. ETOOMANYREFS and the like: no order can be sent.
        const auto listener = order.order.listener.lock();
        const std::uint64_t id = entry->first;
        entry = orders_.erase(entry);
        if (listener) {
            supervisor_.post([listener, id, value = error.value()] {
                listener->on_start_failed(id, value == EPIPE || value == ECONNRESET ? ECHILD : value);
            });
        }
    }
    if (full != blocked_) {
        blocked_ = full;
        supervisor_.modify(control_watch_, control_.get(), full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

void Launcher::on_control(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLHUP)) != 0) {
        Packet packet;
        std::error_code error;
        switch (transport::receive_packet(control_.get(), packet, error, transport::Blocking::no)) {
            case Received::packet:
                handle(packet);
                break;
            case Received::failed:
                // Out of descriptors: the pidfd of a new worker was lost, so it cannot be used.
                handle(packet);
                break;
            case Received::closed:
                supervisor_.unwatch(control_watch_, control_.get());
                break;
            case Received::nothing:
                break;
        }
    }
    if ((events & EPOLLOUT) != 0) {
        send_orders();
    }
}

void Launcher::handle(Packet& packet) {
    switch (packet.kind()) {
        case ControlKind::started:
            handle_started(packet);
            break;
        case ControlKind::start_failed:
            if (const auto failed = packet.as<transport::StartFailedMessage>()) {
                handle_start_failed(*failed);
            }
            break;
        case ControlKind::exited:
            if (const auto exit = packet.as<transport::ExitedMessage>()) {
                handle_exited(*exit);
            }
            break;
        case ControlKind::fork_server_started:
            if (const auto started = packet.as<transport::ForkServerStartedMessage>()) {
                handle_fork_server(*started);
            }
            break;
        case ControlKind::hello:
        case ControlKind::start:
            break;
    }
}

void Launcher::handle_started(Packet& packet) {
    const auto started = packet.as<transport::StartedMessage>();
    if (!started) {
        return;
    }
    const auto order = orders_.extract(started->start_id);
    const auto listener = order ? order.mapped().order.listener.lock() : nullptr;
    if (!listener || packet.descriptors.empty()) {
        if (!packet.descriptors.empty()) {  // nobody wants it any more
            ::syscall(SYS_pidfd_send_signal, packet.descriptors.front().get(), SIGKILL, nullptr, 0);
        } else if (listener) {  // we are out of descriptors, and what cannot be watched must not serve
            listener->on_start_failed(started->start_id, EMFILE);
        }
        return;
    }
    running_[started->start_id].listener = listener;
    listener->on_started(started->start_id, std::move(packet.descriptors.front()));
}

void Launcher::handle_start_failed(const transport::StartFailedMessage& failed) {
    const auto found = orders_.find(failed.start_id);
    if (found == orders_.end()) {
        return;
    }
    const auto listener = found->second.order.listener.lock();
    orders_.erase(found);
    if (listener) {
        listener->on_start_failed(failed.start_id, failed.error);
    }
}

void Launcher::handle_exited(const transport::ExitedMessage& exit) {
    const auto found = running_.find(exit.start_id);
    if (found == running_.end()) {
        return;
    }
    const auto listener = found->second.listener.lock();
    running_.erase(found);
    if (listener) {
        listener->on_exited(exit);
    }
}

void Launcher::handle_fork_server(const transport::ForkServerStartedMessage& started) {
    lose_fork_server();
    generation_ = started.generation;
    send_orders();
}

void Launcher::lose_fork_server() {
    generation_ = 0;
    std::map<std::uint64_t, Running> running;
    running.swap(running_);
    std::vector<std::pair<std::uint64_t, std::shared_ptr<LaunchListener>>> lost_orders;
    for (auto entry = orders_.begin(); entry != orders_.end();) {
        if (entry->second.sent_to == 0) {
            ++entry;
            continue;
        }
        lost_orders.emplace_back(entry->first, entry->second.order.listener.lock());
        entry = orders_.erase(entry);
    }
    for (const auto& [id, entry] : running) {
        if (const auto listener = entry.listener.lock()) {
            listener->on_status_lost(id);
        }
    }
    for (const auto& [id, listener] : lost_orders) {
        if (listener) {
            listener->on_start_failed(id, ECHILD);
        }
    }
}

void Launcher::on_guard_gone() {
    supervisor_.unwatch(control_watch_, control_.get());
    supervisor_.unwatch(guard_watch_, guard_.pidfd().get());
    // What the fork server still had to say is worth reading: exit statuses of workers.
    Packet packet;
    std::error_code error;
    while (control_ &&
           transport::receive_packet(control_.get(), packet, error, transport::Blocking::no) == Received::packet) {
        handle(packet);
    }
    guard_.end(kGuardPatience);
    blocked_ = false;
    lose_fork_server();
    // One that dies again and again, right after it was started, must not keep us from all else.
    const auto now = std::chrono::steady_clock::now();
    supervisor_.arm(retry_timer_, now - guard_since_ < kShortGuardLife ? now + kGuardRetry : now);
}

void Launcher::shut_down() noexcept {
    if (control_) {
        ::shutdown(control_.get(), SHUT_RDWR);
    }
    guard_.end(kGuardPatience);
    // They may own the last references to lanes, and those to us.
    const auto orders = std::exchange(orders_, {});
    running_.clear();
}

}  // namespace bulkhead::detail
