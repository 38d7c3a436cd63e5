// Starts workers, from blanks that the fork server makes.
#pragma once

#include <bulkhead/transport/descriptor.hpp>
#include <bulkhead/transport/launch_protocol.hpp>
#include <bulkhead/transport/packet.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "bulkhead/host/error.hpp"
#include "guard_process.hpp"
#include "supervisor.hpp"

namespace bulkhead::detail {

// Who ordered a worker and hears about it. All on the supervisor thread.
class LaunchListener {
  public:
    virtual ~LaunchListener() = default;
    // The process that gets the order next: who hears of what comes of that can know its number already. Again when it
    // was found dead, with another one.
    virtual void on_chosen(std::uint64_t /*start_id*/, std::int32_t /*pid*/) {}
    // The order is with a process. May come from within Launcher::order().
    virtual void on_started(std::uint64_t start_id, std::int32_t pid, transport::Descriptor pidfd) = 0;
    // No process can be made. `error` is an errno.
    virtual void on_start_failed(std::uint64_t start_id, int error) = 0;
    virtual void on_exited(std::uint64_t /*start_id*/, const transport::ExitedMessage& /*exit*/) {}
    // The fork server died and this worker with it; nobody will tell its exit status.
    virtual void on_status_lost(std::uint64_t /*start_id*/) {}
};

struct LaunchOrder {
    std::uint64_t start_id = 0;       // never repeated
    transport::StartMessage message;  // without descriptor_count
    std::vector<int> descriptors;     // borrowed from `keeps`
    std::shared_ptr<void> keeps;      // what owns the descriptors; let go when it was sent
    std::weak_ptr<LaunchListener> listener;
};

// Owns the guard and the control socket. Rebuilds the guard when it dies; the guard rebuilds the fork server. Has a
// blank in hand before an order comes; orders wait while there is none. Supervisor thread, except for create() and
// shut_down().
class Launcher {
  public:
    // Starts the guard and waits for its greeting: a missing executable or one of another build fails here.
    static result<std::unique_ptr<Launcher>> create(Supervisor& supervisor, std::filesystem::path worker);
    ~Launcher();  // shuts down, if nobody did

    // Begins to listen, on the supervisor thread.
    void run();
    void order(LaunchOrder order);
    // Nobody waits for this worker any more. One that was started already goes on.
    void withdraw(std::uint64_t start_id);
    // What should have come from the guard or the fork server is late: somebody may have stopped them, and would not
    // let them go on.
    void wake_parents() const;
    // Ends the guard and with it all workers. Nothing is listened to any more when the supervisor has stopped.
    void shut_down() noexcept;

  private:
    struct Blank {
        std::int32_t pid;
        transport::Descriptor process;  // pidfd
        transport::Descriptor orders;
        transport::SteadyTime since;
    };
    struct Running {
        std::uint64_t start_id;
        std::weak_ptr<LaunchListener> listener;
    };

    Launcher(Supervisor& supervisor, std::filesystem::path worker);

    std::error_code start_guard();
    void start_next_guard();
    std::optional<Error> check_hello();
    void on_control(std::uint32_t events);
    void on_guard_gone();
    void handle(transport::Packet& packet);
    void handle_blank(transport::Packet& packet);
    void handle_no_blank(int error);
    void note_answer();
    void handle_exited(const transport::ExitedMessage& exit);
    void handle_fork_server(const transport::ForkServerStartedMessage& started);
    void give_orders();
    bool give(LaunchOrder& order);
    void on_blank_due();
    // As many as orders wait.
    void ask_for_blanks();
    bool ask_for_blank(transport::BlankFor use);
    void ask_for_next_blank_soon();
    void expect_answer();
    void look_for_answer();
    void fail(const LaunchOrder& order, int error);
    void listen();
    // The fork server is gone, and with it its blanks and workers.
    void lose_fork_server();

    Supervisor& supervisor_;
    std::filesystem::path worker_;
    transport::Descriptor executable_;  // of worker_ as it was: a later guard is of the same build
    GuardProcess guard_;
    transport::Descriptor control_;
    std::uint32_t generation_ = 0;  // of the fork server that makes blanks; 0: none
    Supervisor::Id control_watch_ = 0;
    Supervisor::Id guard_watch_ = 0;
    Supervisor::Id retry_timer_ = 0;
    Supervisor::Id blank_timer_ = 0;
    Supervisor::Id answer_timer_ = 0;
    transport::SteadyTime guard_since_;
    bool blocked_ = false;  // the control socket is full
    std::vector<Blank> blanks_;
    std::size_t blanks_to_come_ = 0;  // asked for, and not answered yet
    transport::SteadyTime asked_at_;  // since then a blank is waited for, or the fork server that is to make it
    transport::SteadyTime given_at_;  // when the last order was given
    int dead_in_a_row_ = 0;           // blanks that were dead when they were to get an order
    std::map<std::uint64_t, LaunchOrder> orders_;
    std::unordered_map<std::int32_t, Running> running_;
};

}  // namespace bulkhead::detail
