#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bulkhead/transport/build_stamp.hpp>
#include <bulkhead/transport/layout.hpp>
#include <cerrno>
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
// A blank that dies sooner than this is not replaced before the next order needs one.
constexpr std::chrono::milliseconds kShortBlankLife{50};

Error launcher_error(const std::string& sentence) {
    return Error{ErrorCode::load_failed, Effect::none, 0, sentence, nullptr};
}

}  // namespace

Launcher::Launcher(Supervisor& supervisor, std::filesystem::path worker)
    : supervisor_(supervisor), worker_(std::move(worker)) {}

Launcher::~Launcher() { shut_down(); }

result<std::unique_ptr<Launcher>> Launcher::create(Supervisor& supervisor, std::filesystem::path worker) {
    std::unique_ptr<Launcher> launcher(new Launcher(supervisor, std::move(worker)));
    launcher->executable_.reset(::open(launcher->worker_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!launcher->executable_) {
        return launcher_error("the worker executable " + launcher->worker_.string() +
                              " cannot be opened: " + std::generic_category().message(errno));
    }
    if (const std::error_code error = launcher->start_guard()) {
        const bool is_hidden = error == std::errc::no_such_file_or_directory && ::access("/proc/self/fd", F_OK) != 0;
        return launcher_error("the worker executable " + launcher->worker_.string() +
                              " cannot be started: " + (is_hidden ? "there is no /proc" : error.message()));
    }
    if (auto error = launcher->check_hello()) {
        return *std::move(error);
    }
    return launcher;
}

std::error_code Launcher::start_guard() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return {errno, std::generic_category()};
    }
    control_.reset(pair[0]);
    const Descriptor far_end(pair[1]);
    if (const std::error_code error = guard_.start(executable_, far_end)) {
        control_.reset();
        return error;
    }
    guard_since_ = std::chrono::steady_clock::now();
    return {};
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
        return launcher_error(name +
                              " did not greet the host: it is not a bulkhead-worker, or there was no memory or " +
                              "descriptor for its process");
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
    retry_timer_ = supervisor_.add_timer([this] { start_next_guard(); });
    answer_timer_ = supervisor_.add_timer([this] { look_for_answer(); });
    blank_timer_ = supervisor_.add_timer([this] { on_blank_due(); });
    listen();
}

// Unless there is one. Who waits for a process is told when there can be none now.
void Launcher::start_next_guard() {
    const std::error_code error = guard_.pidfd() ? std::error_code() : start_guard();
    if (!error) {
        listen();
        return;
    }
    while (!orders_.empty()) {
        fail(orders_.extract(orders_.begin()).mapped(), error.value());
    }
    supervisor_.arm(retry_timer_, std::chrono::steady_clock::now() + kGuardRetry);
}

// To the guard and the fork server, and for the guard's end. What the kernel has no room for is tried again.
void Launcher::listen() {
    if (control_watch_ == 0) {
        control_watch_ =
            supervisor_.watch(control_.get(), EPOLLIN, [this](std::uint32_t events) { on_control(events); });
        blocked_ = false;
    }
    if (guard_watch_ == 0) {
        guard_watch_ = supervisor_.watch(guard_.pidfd().get(), EPOLLIN, [this](std::uint32_t) { on_guard_gone(); });
    }
    if (control_watch_ == 0 || guard_watch_ == 0) {
        supervisor_.arm(retry_timer_, std::chrono::steady_clock::now() + kGuardRetry);
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
                // Out of descriptors: a blank was lost, and ends because nobody holds its socket.
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
        blocked_ = false;
        supervisor_.modify(control_watch_, control_.get(), EPOLLIN);
        ask_for_blanks();
    }
}

void Launcher::handle(Packet& packet) {
    switch (packet.kind()) {
        case ControlKind::blank:
            handle_blank(packet);
            break;
        case ControlKind::no_blank:
            if (const auto failed = packet.as<transport::NoBlankMessage>()) {
                handle_no_blank(failed->error);
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
        case ControlKind::make_blank:
        case ControlKind::start:
            break;
    }
}

void Launcher::handle_exited(const transport::ExitedMessage& exit) {
    if (const auto worker = running_.extract(exit.pid)) {
        if (const auto listener = worker.mapped().listener.lock()) {
            listener->on_exited(worker.mapped().start_id, exit);
        }
        return;
    }
    const auto blank =
        std::find_if(blanks_.begin(), blanks_.end(), [&](const Blank& other) { return other.pid == exit.pid; });
    if (blank != blanks_.end()) {
        const auto now = std::chrono::steady_clock::now();
        if (now - blank->since >= kShortBlankLife) {
            supervisor_.arm(blank_timer_, now);
        }
        blanks_.erase(blank);
    }
}

void Launcher::handle_fork_server(const transport::ForkServerStartedMessage& started) {
    lose_fork_server();
    generation_ = started.generation;
    ask_for_blanks();
    supervisor_.arm(blank_timer_, std::chrono::steady_clock::now());
}

void Launcher::lose_fork_server() {
    generation_ = 0;
    blanks_.clear();
    blanks_to_come_ = 0;
    if (!orders_.empty()) {
        expect_answer();
    }
    for (const auto& [pid, worker] : std::exchange(running_, {})) {
        if (const auto listener = worker.listener.lock()) {
            listener->on_status_lost(worker.start_id);
        }
    }
}

void Launcher::on_guard_gone() {
    supervisor_.unwatch(std::exchange(control_watch_, 0), control_.get());
    supervisor_.unwatch(std::exchange(guard_watch_, 0), guard_.pidfd().get());
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
    blanks_.clear();
    running_.clear();
}

}  // namespace bulkhead::detail
