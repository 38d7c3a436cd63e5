#include "blank.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "bulkhead/transport/packet.hpp"
#include "explain.hpp"
#include "inspect.hpp"
#include "process.hpp"
#include "serve.hpp"
#include "time_slice.hpp"
#include "warm_up.hpp"

namespace bulkhead::worker {
namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

// The other side: waits for its order and becomes what that says.
[[noreturn]] void run_blank(transport::Descriptor orders, pid_t fork_server, transport::BlankFor use) {
    die_with_parent(fork_server);
    ::setpgid(0, 0);  // so that what it starts can be ended with it
    // Nothing of the fork server stays, least of all the control socket.
    const std::array kept{orders.get()};
    close_all_but(kept);
    reset_signals();
    set_process_name("bulkhead-blank");
    if (use == transport::BlankFor::later) {
        set_time_slice(TimeSlice::longest);  // nobody waits for this
        warm_up(orders);
    }
    set_time_slice(TimeSlice::shortest);

    transport::Packet packet;
    std::error_code error;
    const auto received = transport::receive_packet(orders.get(), packet, error);
    const auto order = packet.as<transport::StartMessage>();
    set_time_slice(TimeSlice::usual);
    // Nobody wants it any more, or there are no descriptors for what it was given.
    if (received != transport::Received::packet || !order || order->descriptor_count != packet.descriptors.size()) {
        std::_Exit(received == transport::Received::closed ? EXIT_SUCCESS : transport::kOrderUnread);
    }
    orders.reset();
    if (order->role == transport::WorkerRole::inspect) {
        inspect(std::move(packet.descriptors));
    }
    if (order->role == transport::WorkerRole::explain) {
        explain(std::move(packet.descriptors));
    }
    serve(*order, std::move(packet.descriptors));
}

}  // namespace

std::optional<Blank> make_blank(transport::BlankFor use, std::error_code& error) {
    error.clear();
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        error = last_error();
        return std::nullopt;
    }
    transport::Descriptor near(ends[0]);
    transport::Descriptor far(ends[1]);
    const pid_t fork_server = ::getpid();
    Blank blank;
    blank.pid = ::fork();
    if (blank.pid == 0) {
        run_blank(std::move(far), fork_server, use);
    }
    if (blank.pid < 0) {
        error = last_error();
        return std::nullopt;
    }
    blank.process = open_process(blank.pid);
    if (!blank.process) {
        error = last_error();
        ::kill(blank.pid, SIGKILL);
        return std::nullopt;
    }
    blank.orders = std::move(near);
    return blank;
}

}  // namespace bulkhead::worker
