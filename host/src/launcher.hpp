// Starts workers through the guard and its fork server.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/launch_protocol.hpp>
#include <bulkhead/transport/packet.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "guard_process.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

// Who ordered a worker and hears about it. All on the supervisor thread.
class LaunchListener {
  public:
    virtual ~LaunchListener() = default;
    virtual void on_started(std::uint64_t start_id, transport::Descriptor pidfd) = 0;
    // There is no process. `error` is an errno; ECHILD: the fork server died with the order, try again.
    virtual void on_start_failed(std::uint64_t start_id, int error) = 0;
    virtual void on_exited(const transport::ExitedMessage& exit) = 0;
    // The fork server died and this worker with it; nobody will tell its exit status.
    virtual void on_status_lost(std::uint64_t start_id) = 0;
};

struct LaunchOrder {
    transport::StartMessage message;  // without generation
    std::vector<int> descriptors;     // borrowed from `keeps`
    std::shared_ptr<void> keeps;      // what owns the descriptors; let go when it was sent
    std::weak_ptr<LaunchListener> listener;
};

// Owns the guard and the control socket. Rebuilds the guard when it dies; the guard rebuilds the fork server.
// Orders wait while there is none. Supervisor thread, except for create() and shut_down().
class Launcher {
  public:
    // Starts the guard and waits for its greeting: a missing executable or one of another build fails here.
    static result<std::unique_ptr<Launcher>> create(Supervisor& supervisor, std::filesystem::path worker);

    // Begins to listen, on the supervisor thread.
    void run();
    void order(LaunchOrder order);
    // Nobody waits for this worker any more: if it starts nevertheless, it is killed.
    void withdraw(std::uint64_t start_id);
    // Ends the guard and with it all workers. Nothing is listened to any more when the supervisor has stopped.
    void shut_down() noexcept;

  private:
    struct Order {
        LaunchOrder order;
        std::uint32_t sent_to = 0;  // generation; 0: not sent yet
    };
    struct Running {
        std::weak_ptr<LaunchListener> listener;
    };

    Launcher(Supervisor& supervisor, std::filesystem::path worker);

    std::optional<Error> start_guard();
    std::optional<Error> check_hello();
    void on_control(std::uint32_t events);
    void on_guard_gone();
    void handle(transport::Packet& packet);
    void handle_started(transport::Packet& packet);
    void handle_start_failed(const transport::StartFailedMessage& failed);
    void handle_exited(const transport::ExitedMessage& exit);
    void handle_fork_server(const transport::ForkServerStartedMessage& started);
    void send_orders();
    void listen();
    // The fork server is gone, and with it what it knew.
    void lose_fork_server();

    Supervisor& supervisor_;
    std::filesystem::path worker_;
    transport::Descriptor executable_;  // of worker_ as it was: a later guard is of the same build
    GuardProcess guard_;
    transport::Descriptor control_;
    std::uint32_t generation_ = 0;  // of the fork server that takes orders; 0: none
    Supervisor::Id control_watch_ = 0;
    Supervisor::Id guard_watch_ = 0;
    Supervisor::Id retry_timer_ = 0;
    transport::SteadyTime guard_since_;
    bool blocked_ = false;  // the control socket is full
    std::map<std::uint64_t, Order> orders_;
    std::map<std::uint64_t, Running> running_;
};

}  // namespace bulkhead::detail
