// Plays the part of the host towards one real `bulkhead-worker --guard`.
#pragma once

#include <sys/types.h>

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
    std::uint64_t next_start_id() { return ++start_id_; }

    // Takes hello and the first fork server's announcement.
    transport::HelloMessage greet();
    // Waits for the announcement of a fork server.
    void await_fork_server();

    void send(const transport::StartMessage& message, std::span<const int> descriptors);

    // The next message of this kind for this start id; others are kept for later. Fails the test when none comes.
    transport::StartedMessage await_started(std::uint64_t start_id, transport::Descriptor& process);
    transport::StartFailedMessage await_start_failed(std::uint64_t start_id);
    transport::ExitedMessage await_exited(std::uint64_t start_id);

    // Closes the control socket, as a host does that is destroyed.
    void hang_up() { control_.reset(); }
    // True when the guard has ended, with the wait status given back.
    std::optional<int> await_end();

  private:
    template <typename T>
    T await(std::uint64_t start_id, transport::Descriptor* process);
    void receive_one();

    transport::Descriptor control_;
    pid_t pid_ = 0;
    pid_t fork_server_ = 0;
    std::uint32_t generation_ = 0;
    std::uint64_t start_id_ = 0;
    std::deque<transport::Packet> inbox_;
};

}  // namespace bulkhead::worker::test
