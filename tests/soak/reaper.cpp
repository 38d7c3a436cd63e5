#include "reaper.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "support/processes.hpp"

namespace bulkhead::tests {

Reaper::Reaper(unsigned seed, std::vector<const Soaked*> plugins, std::vector<Soaked*> exiting)
    : random_(seed), plugins_(std::move(plugins)), exiting_(std::move(exiting)) {}

void Reaper::strike() {
    const Family family = family_of(::getpid());
    const auto choice = random_() % 100;
    const int fatal = choice % 2 == 0 ? SIGKILL : SIGSEGV;
    if (choice < 2) {
        strikes_.guards += send(family.guard, fatal) ? 1 : 0;
    } else if (choice < 3) {
        strikes_.stopped_parents += send(random_() % 2 == 0 ? family.guard : family.fork_server, SIGSTOP) ? 1 : 0;
    } else if (choice < 6) {
        strikes_.fork_servers += send(family.fork_server, fatal) ? 1 : 0;
    } else if (choice < 8) {
        strikes_.blanks += send(family.blank, fatal) ? 1 : 0;
    } else if (choice < 18) {
        have_exit();
    } else {
        strike_worker(family.others, choice < 20 ? SIGSTOP : fatal);
    }
}

// One that does it itself, in the middle of a call.
void Reaper::have_exit() {
    Soaked& soaked = *exiting_[random_() % exiting_.size()];
    soaked.told.note(soaked.plugin.call("exit", std::to_string(random_() % 3), impatient()));
    ++strikes_.exits;
}

void Reaper::strike_worker(const std::vector<pid_t>& workers, int signal) {
    if (workers.empty()) {
        return;
    }
    const pid_t worker = workers[random_() % workers.size()];
    const bool serves = std::any_of(plugins_.begin(), plugins_.end(), [worker](const Soaked* soaked) {
        return soaked->plugin.status().worker_pid == worker;
    });
    if (send(worker, signal)) {
        ++(serves ? strikes_.serving : strikes_.standing_by);
        ++(signal == SIGSTOP ? strikes_.stops : signal == SIGSEGV ? strikes_.faults : strikes_.kills);
    }
}

std::string Reaper::text() const {
    const auto counted = [](int count, const char* what) { return std::to_string(count) + " " + what; };
    return counted(strikes_.serving, "strikes at workers that serve, ") +
           counted(strikes_.standing_by, "at those that do not yet, ") +
           counted(strikes_.fork_servers, "at fork servers, ") + counted(strikes_.guards, "at guards, ") +
           counted(strikes_.stopped_parents, "SIGSTOP at either, ") +
           counted(strikes_.blanks, "at blanks; of workers ") + counted(strikes_.kills, "SIGKILL, ") +
           counted(strikes_.faults, "SIGSEGV, ") + counted(strikes_.stops, "SIGSTOP, ") +
           counted(strikes_.exits, "exits");
}

}  // namespace bulkhead::tests
