// Orders, and the blanks that they are given to.
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "launcher.hpp"

namespace bulkhead::detail {

using transport::Packet;

namespace {

// The next blank, and what it does to be warm, must not take a core from the worker that starts: that takes half of
// this. When orders come faster than that, the next one had better find a blank, so it is made at once.
constexpr std::chrono::microseconds kBlankDelay{2000};
// A fork server that has not answered for so long may be stopped.
constexpr std::chrono::milliseconds kAnswerPatience{500};
constexpr std::chrono::milliseconds kAskRetry{50};
constexpr int kMostDeadBlanks = 3;  // found dead in a row: then something kills them all

// What was sent to has nobody any more who would read it.
bool is_hang_up(const std::error_code& error) {
    return error == std::errc::broken_pipe || error == std::errc::connection_reset ||
           error == std::errc::connection_refused || error == std::errc::not_connected;
}

}  // namespace

void Launcher::order(LaunchOrder order) {
    const std::uint64_t id = order.start_id;
    if (orders_.empty() && generation_ == 0) {
        expect_answer();
    }
    orders_.emplace(id, std::move(order));
    give_orders();
}

void Launcher::withdraw(std::uint64_t start_id) { orders_.erase(start_id); }

void Launcher::give_orders() {
    while (!orders_.empty() && !blanks_.empty()) {
        auto order = orders_.extract(orders_.begin());
        if (!give(order.mapped())) {
            orders_.insert(std::move(order));
        }
    }
    ask_for_blanks();
}

// False: there is no living blank left.
bool Launcher::give(LaunchOrder& order) {
    const auto listener = order.listener.lock();
    if (!listener) {  // nobody wants it any more
        return true;
    }
    order.message.descriptor_count = static_cast<std::uint32_t>(order.descriptors.size());
    while (!blanks_.empty()) {
        Blank blank = std::move(blanks_.back());
        blanks_.pop_back();
        listener->on_chosen(order.start_id, blank.pid);
        const std::error_code error =
            transport::send_message(blank.orders.get(), order.message, order.descriptors, transport::Blocking::no);
        if (is_hang_up(error)) {  // that one is dead
            if (++dead_in_a_row_ <= kMostDeadBlanks) {
                continue;
            }
            fail(order, ESRCH);  // and will be given again a little later
            dead_in_a_row_ = 0;
            return true;
        }
        if (error) {  // ETOOMANYREFS and the like
            blanks_.push_back(std::move(blank));
            fail(order, error.value());
            return true;
        }
        dead_in_a_row_ = 0;
        running_[blank.pid] = {order.start_id, listener};
        ask_for_next_blank_soon();
        listener->on_started(order.start_id, blank.pid, std::move(blank.process));
        return true;
    }
    return false;
}

void Launcher::on_blank_due() {
    ask_for_blanks();
    if (blanks_.empty() && blanks_to_come_ == 0) {
        ask_for_blank(transport::BlankFor::later);
    }
}

void Launcher::ask_for_blanks() {
    while (blanks_.size() + blanks_to_come_ < orders_.size() && ask_for_blank(transport::BlankFor::an_order)) {
    }
}

bool Launcher::ask_for_blank(transport::BlankFor use) {
    if (generation_ == 0 || blocked_) {
        return false;
    }
    transport::MakeBlankMessage message;
    message.generation = generation_;
    message.use = use;
    const std::error_code error = transport::send_message(control_.get(), message, {}, transport::Blocking::no);
    const auto now = std::chrono::steady_clock::now();
    if (error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again) {
        blocked_ = true;
        supervisor_.modify(control_watch_, control_.get(), EPOLLIN | EPOLLOUT);
    } else if (error && !is_hang_up(error)) {  // no memory; of the guard's end its pidfd tells
        supervisor_.arm(blank_timer_, now + kAskRetry);
    }
    if (!error && blanks_to_come_++ == 0) {
        expect_answer();
    }
    return !error;
}

void Launcher::expect_answer() {
    asked_at_ = std::chrono::steady_clock::now();
    supervisor_.arm(answer_timer_, asked_at_ + kAnswerPatience);
}

void Launcher::look_for_answer() {
    const bool waits_for_fork_server = generation_ == 0 && !orders_.empty();
    if (blanks_to_come_ == 0 && !waits_for_fork_server) {
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= asked_at_ + kAnswerPatience) {
        asked_at_ = now;
        wake_parents();
    }
    supervisor_.arm(answer_timer_, asked_at_ + kAnswerPatience);
}

void Launcher::wake_parents() const {
    // It passes that on to the fork server, or has to make another one.
    ::syscall(SYS_pidfd_send_signal, guard_.pidfd().get(), SIGCONT, nullptr, 0);
}

void Launcher::ask_for_next_blank_soon() {
    const auto now = std::chrono::steady_clock::now();
    const bool in_a_burst = now - std::exchange(given_at_, now) < kBlankDelay;
    supervisor_.arm(blank_timer_, in_a_burst ? now : now + kBlankDelay);
}

void Launcher::fail(const LaunchOrder& order, int error) {
    if (const auto listener = order.listener.lock()) {
        supervisor_.post([listener, id = order.start_id, error] { listener->on_start_failed(id, error); });
    }
}

void Launcher::handle_blank(Packet& packet) {
    namespace slot = transport::blank_descriptor;
    const auto blank = packet.as<transport::BlankMessage>();
    if (!blank || packet.descriptors.size() != slot::count) {
        handle_no_blank(EMFILE);  // we are out of them
        return;
    }
    note_answer();
    blanks_.push_back({blank->pid, std::move(packet.descriptors[slot::process]),
                       std::move(packet.descriptors[slot::orders]), std::chrono::steady_clock::now()});
    give_orders();
    if (blanks_.size() > 1 && orders_.empty()) {  // made for orders that were withdrawn
        blanks_.erase(blanks_.begin() + 1, blanks_.end());
    }
}

void Launcher::note_answer() {
    --blanks_to_come_;
    asked_at_ = std::chrono::steady_clock::now();
}

// The order that waits for longest cannot be carried out.
void Launcher::handle_no_blank(int error) {
    note_answer();
    if (!orders_.empty()) {
        fail(orders_.extract(orders_.begin()).mapped(), error);
    }
}

}  // namespace bulkhead::detail
