// How a worker died.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

enum class Cause : std::uint8_t {
    crash,               // a fatal signal of its own making, such as SIGSEGV
    abort,               // SIGABRT
    exit,                // it called exit while it should serve
    killed,              // a signal from outside, such as SIGKILL
    hang,                // a call did not end after its deadline
    protocol_violation,  // it wrote something impossible into the channel
    start_failure,       // it refused to start or did not become ready in time
    host_request,        // the host ended it
    unknown,             // its parent died with it, so nobody got its exit status
};

std::string_view to_string(Cause cause) noexcept;

// Everything known about a death. Immutable; shared by all errors that it caused. The first cause wins: a
// worker that the host kills because it hangs is a hang, not SIGKILL.
struct Report {
    // Names this death in logs and answers, such as "resizer-3-5f2c91ab": plugin, incarnation, and what tells it apart
    // from those of a plugin of the same name loaded before, and of other hosts.
    std::string id;
    std::string plugin;
    std::string version;
    std::uint32_t incarnation = 0;  // which life of the worker
    Cause cause = Cause::unknown;
    int signal = 0;              // the signal that ended it; 0: none
    int exit_code = 0;           // when it exited
    std::string step;            // what it was doing if it was not ready yet
    std::string detail;          // protocol_violation: the broken rule; start_failure: the worker's own sentence
    std::string running_method;  // the call that was running, if any
    std::chrono::nanoseconds running_age{0};  // since its caller made it
    std::uint64_t running_payload = 0;        // bytes of its request
    std::chrono::nanoseconds uptime{0};
    std::uint32_t restarts = 0;           // lives before this one
    std::vector<std::string> last_lines;  // of its output and log
    std::chrono::microseconds user_time{0};
    std::chrono::microseconds system_time{0};
    std::uint64_t peak_resident_bytes = 0;

    // The cause in one clause, such as "crashed with SIGSEGV (11) while running 'resize'".
    std::string clause() const;
    // All of it as lines of text, the most wanted first.
    std::string text() const;
};

// "SIGSEGV" for 11.
std::string signal_name(int signal);

}  // namespace bulkhead
