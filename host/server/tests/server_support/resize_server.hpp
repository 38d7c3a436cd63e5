// The real resize-server, started for a test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "server_support/http_client.hpp"
#include "support/program.hpp"

namespace bulkhead::tests {

// Runs on a free port until the test ends it. Nothing of it is left afterwards. One thread.
class ResizeServer {
  public:
    explicit ResizeServer(const std::vector<std::string>& arguments = {});
    ~ResizeServer();

    std::uint16_t port() const { return port_; }
    Program& program() { return program_; }

    void signal(int number) const;
    // "exit 0" if it ended well.
    std::string await_end() { return program_.await_end(); }

    // The worker that serves now; waits for it.
    pid_t worker() const;
    // Waits until /stats says this at a JSON pointer. False: not in time.
    bool await_figure(const std::string& pointer, int value) const;
    bool serves() const { return get(port_, "/health").status == 200; }

  private:
    Program program_;
    std::uint16_t port_;
};

// Stops a process for a while, so that what waits for it waits.
class Frozen {
  public:
    explicit Frozen(pid_t pid);
    Frozen(const Frozen&) = delete;
    Frozen& operator=(const Frozen&) = delete;
    ~Frozen() { thaw(); }
    void thaw();

  private:
    pid_t pid_;
};

}  // namespace bulkhead::tests
