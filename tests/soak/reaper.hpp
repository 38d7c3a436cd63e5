// Who dies next, and how.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "load.hpp"

namespace bulkhead::tests {

// Brings deaths about, by a seed: of workers that serve and that stand by, by signals and from within; of the fork
// server, the guard and the blank. One thread.
class Reaper {
  public:
    // The plugins, and those of them that exit when they are asked to.
    Reaper(unsigned seed, std::vector<const Soaked*> plugins, std::vector<Soaked*> exiting);

    // Brings one death about, or tries to: somebody may die of another cause first.
    void strike();
    std::chrono::microseconds pause() { return std::chrono::microseconds(random_() % 3000); }
    // How often each was struck.
    std::string text() const;
    // Of those, the workers that got SIGSEGV, or were asked to exit.
    int faults() const { return strikes_.faults; }
    int exits() const { return strikes_.exits; }

  private:
    void have_exit();
    void strike_worker(const std::vector<pid_t>& workers, int signal);
    static bool send(pid_t victim, int signal) { return victim > 0 && ::kill(victim, signal) == 0; }

    std::mt19937 random_;
    std::vector<const Soaked*> plugins_;
    std::vector<Soaked*> exiting_;
    struct Strikes {
        int guards = 0, fork_servers = 0, stopped_parents = 0, blanks = 0, serving = 0, standing_by = 0;
        int exits = 0, stops = 0, faults = 0, kills = 0;
    } strikes_;
};

}  // namespace bulkhead::tests
