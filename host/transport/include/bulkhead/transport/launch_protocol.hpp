// What the host, the guard and the fork server say to each other, over one SOCK_SEQPACKET socket.
//
//   host --- control socket ---+--- guard        (hello, fork server started)
//                              +--- fork server  (start, started, start failed, exited)
//
// The guard keeps the far end open, so the socket outlives a fork server. Each fork server has a generation;
// it ignores orders of another generation, because the host repeats its unanswered ones after
// `fork_server_started`. One message is one packet; descriptors travel with SCM_RIGHTS.
//
// The workers never hold this socket when plugin code runs, so both ends are trusted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bulkhead::transport {

// Descriptors that Boost.Process gives the guard.
inline constexpr int kGuardControlDescriptor = 3;  // the control socket
inline constexpr int kGuardHostDescriptor = 4;     // pidfd of the host

enum class ControlKind : std::uint32_t {
    // to the host
    hello = 1,                // guard, once: its build stamp
    fork_server_started = 2,  // guard: a fork server of this generation takes orders from now on
    started = 3,              // fork server: the worker runs; carries its pidfd
    start_failed = 4,         // fork server: no process could be made; error says why
    exited = 5,               // fork server: a worker was reaped
    // from the host
    start = 16,  // carries the order's descriptors, see OrderDescriptor
};

inline constexpr std::size_t kBuildStampSize = 64;  // hexadecimal SHA-256 of the shared headers

struct HelloMessage {
    ControlKind kind = ControlKind::hello;
    std::uint32_t layout_version = 0;
    char build_stamp[kBuildStampSize] = {};
};

struct ForkServerStartedMessage {
    ControlKind kind = ControlKind::fork_server_started;
    std::uint32_t generation = 0;
    std::int32_t pid = 0;
    std::uint32_t reserved = 0;
};

enum class WorkerRole : std::uint32_t {
    serve = 0,    // load the plugin and answer calls
    inspect = 1,  // throw-away: parse the library in descriptor `library`, write what it says to `output`
    explain = 2,  // throw-away: unwind the stack in descriptor `black_box`, write the frames to `output`
};

struct StartMessage {
    ControlKind kind = ControlKind::start;
    std::uint32_t generation = 0;
    std::uint64_t start_id = 0;  // chosen by the host, never repeated
    WorkerRole role = WorkerRole::serve;
    std::uint32_t worker_cell = 0;
    std::uint32_t incarnation = 0;
    std::uint32_t descriptor_count = 0;
};

struct StartedMessage {
    ControlKind kind = ControlKind::started;
    std::int32_t pid = 0;
    std::uint64_t start_id = 0;
};

struct StartFailedMessage {
    ControlKind kind = ControlKind::start_failed;
    std::int32_t error = 0;  // errno
    std::uint64_t start_id = 0;
};

struct ExitedMessage {
    ControlKind kind = ControlKind::exited;
    std::int32_t wait_status = 0;  // as waitpid gives it
    std::uint64_t start_id = 0;
    std::uint64_t user_microseconds = 0;
    std::uint64_t system_microseconds = 0;
    std::uint64_t peak_resident_bytes = 0;
};

inline constexpr std::size_t kMaxControlMessage = 128;
inline constexpr std::size_t kMaxDependencies = 64;

// Descriptors of a start message, in this order. `inspect` brings only output and library.
namespace serve_descriptor {
inline constexpr std::size_t order = 0;          // sealed memfd with the order as JSON, see LAYOUT.md
inline constexpr std::size_t host_outbox = 1;    // sealed: cannot be mapped writable
inline constexpr std::size_t worker_outbox = 2;  // the worker maps it writable
inline constexpr std::size_t output = 3;         // pipe: the worker's stdout and stderr
inline constexpr std::size_t signal = 4;         // the same pipe, not blocking: a zero byte wakes the supervisor
inline constexpr std::size_t library = 5;        // sealed memfd; private dependencies follow, bottom-up
}  // namespace serve_descriptor
namespace inspect_descriptor {
inline constexpr std::size_t output = 0;   // pipe: one JSON object, see LAYOUT.md
inline constexpr std::size_t library = 1;  // sealed memfd
}  // namespace inspect_descriptor

namespace explain_descriptor {
inline constexpr std::size_t output = 0;     // pipe: one JSON object, see LAYOUT.md
inline constexpr std::size_t black_box = 1;  // sealed memfd with the bytes of a BlackBox
inline constexpr std::size_t library = 2;    // the worker's libraries as in its own order
}  // namespace explain_descriptor

// Sent to a worker that hangs: its crash handler writes down where the dispatcher is, as it does for a crash.
inline constexpr int kHangSignal = 62;  // a real-time signal that hardly any plugin uses

inline constexpr std::size_t kMaxOrderDescriptors = serve_descriptor::library + 1 + kMaxDependencies;

}  // namespace bulkhead::transport
