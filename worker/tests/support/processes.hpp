// What the tests need to know of other processes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker::test {

// Every wait of the tests ends here; generous, because sanitizers on one core are slow.
inline std::chrono::steady_clock::time_point patience() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(30);
}

// Waits until the descriptor can be read, or for a pidfd: until the process is dead. False: not in time.
bool await_readable(int descriptor);

// Waits for a process to be dead. A number that nobody has is gone.
bool await_gone(pid_t process);
bool is_alive(pid_t process);

pid_t parent_of(pid_t process);
std::string name_of(pid_t process);
// Living children. Reads all of /proc.
std::vector<pid_t> children_of(pid_t process);

// A process that does nothing until it is killed, which the destructor does at the latest.
class Bystander {
  public:
    Bystander();
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    ~Bystander() { kill(); }
    pid_t pid() const { return pid_; }
    void kill();

  private:
    pid_t pid_ = 0;
};

}  // namespace bulkhead::worker::test
