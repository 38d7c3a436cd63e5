// Plays the part of the host towards one real `bulkhead-worker --guard`.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bulkhead/transport/descriptor.hpp"
#include "bulkhead/transport/launch_protocol.hpp"
#include "bulkhead/transport/packet.hpp"
#include "support/processes.hpp"

namespace bulkhead::worker::test {

// Owns the guard and everything below it: gone when the destructor returns.
class GuardProcess {
  public:
    // `host` is the process whose death ends the guard.
    explicit GuardProcess(pid_t host);
    GuardProcess();
    GuardProcess(const GuardProcess&) = delete;
    GuardProcess& operator=(const GuardProcess&) = delete;
    ~GuardProcess();

    pid_t pid() const { return pid_; }
    int control() const { return control_.get(); }
    std::uint32_t generation() const { return generation_; }
    pid_t fork_server() const { return fork_server_; }

    // Takes hello and the first fork server's announcement.
    transport::HelloMessage greet();
    // Waits for the announcement of a fork server.
    void await_fork_server();

    // Asks for a blank, as the host of this generation does.
    void ask_for_blank(std::uint32_t generation, transport::BlankFor use = transport::BlankFor::an_order);

    struct Blank {
        pid_t pid = 0;
        transport::Descriptor process;
        transport::Descriptor orders;
        void order(transport::StartMessage message, std::span<const int> descriptors) const;
    };

    // The next message of this kind; others are kept for later. Fails the test when none comes.
    Blank await_blank();
    transport::NoBlankMessage await_no_blank();
    transport::ExitedMessage await_exited(pid_t process);

    // Asks for one and waits for it.
    Blank make_blank() {
        ask_for_blank(generation_);
        return await_blank();
    }

    // Closes the control socket, as a host does that is destroyed.
    void hang_up() { control_.reset(); }
    // True when the guard has ended, with the wait status given back.
    std::optional<int> await_end();

  private:
    // `pid`: of whom it is to tell; 0: of anybody.
    template <typename T>
    T await(pid_t pid = 0, std::vector<transport::Descriptor>* descriptors = nullptr);
    void receive_one();

    transport::Descriptor control_;
    pid_t pid_ = 0;
    pid_t fork_server_ = 0;
    std::uint32_t generation_ = 0;
    std::deque<transport::Packet> inbox_;
};

}  // namespace bulkhead::worker::test
