// How a worker died.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bulkhead/host/export.hpp"

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
    out_of_memory,       // the kernel ended it for its memory, or it ran into limits.address_space
    // It did what its permissions rule out, or reached limits.cpu_seconds or limits.file_size.
    policy_violation,
};

BULKHEAD_HOST_EXPORT std::string_view to_string(Cause cause) noexcept;

// What a worker was there for when it died.
enum class Phase : std::uint8_t {
    starting,     // not ready yet, or about to serve: loading its state, being activated
    standing_by,  // ready, and another one served
    serving,
    stopping,  // told to end: deactivate, destroy, what runs at exit, and the last save when the plugin is stopped
};

BULKHEAD_HOST_EXPORT std::string_view to_string(Phase phase) noexcept;

// A library, or the program, as it lay in the worker's memory.
struct Module {
    std::string name;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t code_begin = 0;  // its executable part
    std::uint64_t code_end = 0;
    std::uint64_t bias = 0;  // an address less this is an address in the file
    std::string build_id;    // hexadecimal digits; empty: it has none
};

// One function of a backtrace.
struct Frame {
    std::uint64_t address = 0;
    std::string module;        // empty: in no module
    std::uint64_t offset = 0;  // in that module's file, as for addr2line
    std::string function;      // as in the source; empty: not known
    std::string file;          // empty: the library has no debug information
    std::uint32_t line = 0;
};

// A call that the worker had before its death.
struct RecentCall {
    std::uint64_t id = 0;
    std::string method;
    std::uint64_t payload = 0;        // bytes of its request
    std::chrono::nanoseconds age{0};  // since its caller made it
    bool answered = false;            // false: it had begun
};

struct Register {
    std::string name;
    std::uint64_t value = 0;
};

// What the worker's own crash handler wrote down before the signal ended it. A plugin that means harm can write it too:
// evidence, not proof.
struct BULKHEAD_HOST_EXPORT Crash {
    int signal = 0;
    int code = 0;  // si_code
    std::string code_name;
    std::optional<std::uint64_t> fault_address;  // none: the processor or the sender named none
    std::string fault_region;                    // what lies there, such as "the null page"
    std::int32_t thread = 0;                     // its id in the worker's namespace
    bool on_dispatcher = true;                   // false: a thread of the plugin's own
    std::uint64_t instruction = 0;               // where it was
    std::string instruction_module;              // empty: in no module
    std::uint64_t instruction_offset = 0;        // in that module's file, as for addr2line
    std::vector<Register> registers;
    std::vector<Module> modules;

    // "SEGV_MAPERR at 0x0, the null page; at libfaulty.so+0x1139 in the dispatcher thread".
    std::string clause() const;
};

// Everything known about a death. Immutable; shared by all errors that it caused. The first cause wins: a
// worker that the host kills because it hangs is a hang, not SIGKILL.
struct BULKHEAD_HOST_EXPORT Report {
    // Names this death in logs and answers, such as "resizer-3-5f2c91ab": plugin, incarnation, and what tells it apart
    // from those of a plugin of the same name loaded before, and of other hosts.
    std::string id;
    std::string plugin;
    std::string version;
    std::uint32_t incarnation = 0;                 // which life of the worker
    std::chrono::system_clock::time_point time{};  // when the host learnt of it
    Cause cause = Cause::unknown;
    int signal = 0;     // the signal that ended it; 0: none
    int exit_code = 0;  // when it exited
    Phase phase = Phase::serving;
    std::string step;  // where it was outside of calls, if that is known: "in its save function"
    // protocol_violation: the broken rule; start_failure: the worker's own sentence; abort: the exception that nobody
    // caught; out_of_memory: what tells it; policy_violation: what it did.
    std::string detail;
    std::string running_method;               // the call that was running, if any
    std::chrono::nanoseconds running_age{0};  // since its caller made it
    std::uint64_t running_payload = 0;        // bytes of its request
    std::uint64_t running_id = 0;
    std::optional<std::array<std::uint8_t, 16>> running_trace;  // its trace id
    std::vector<RecentCall> recent_calls;                       // besides that, the latest first
    std::chrono::nanoseconds uptime{0};
    std::uint32_t restarts = 0;           // lives before this one
    std::vector<std::string> last_lines;  // of its output and log
    std::chrono::microseconds user_time{0};
    std::chrono::microseconds system_time{0};
    std::uint64_t peak_resident_bytes = 0;
    std::optional<Crash> crash;  // none: no crash of its own, or its handler could not run
    // Where the thread was that crashed, or the dispatcher of a worker that hung; innermost first. Empty in an Error's
    // report, which comes before the stack has been unwound.
    std::vector<Frame> backtrace;
    std::string backtrace_note;  // why it is empty, or where it ends early
    // The file that `bulkhead replay` runs again; empty: none was saved. In an Error's report it may not be there yet.
    std::filesystem::path repro;
    std::string repro_note;  // why none was saved, if one was wanted

    // The cause in one clause, such as "crashed with SIGSEGV (11) while running 'resize'".
    std::string clause() const;
    // All of it as lines of text, the most wanted first.
    std::string text() const;
    // The shell command that runs the fatal call again; empty: there is no repro.
    std::string replay_command() const;
};

// "SIGSEGV" for 11.
BULKHEAD_HOST_EXPORT std::string signal_name(int signal);

}  // namespace bulkhead
