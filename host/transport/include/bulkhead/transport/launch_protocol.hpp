// What the host, the guard, the fork server and a blank say to each other, over SOCK_SEQPACKET sockets.
//
//   host --- control socket ---+--- guard        (hello, fork server started)
//        |                     +--- fork server  (make blank, blank, no blank, exited)
//        +--- a socket each ------- blank        (start)
//
// A start costs no fork and no detour: the host has a blank in hand before it needs a worker, and gives it its order.
//
// The guard keeps the far end of the control socket open, so it outlives a fork server. Each fork server has a
// generation; it ignores what was said to another one, and its blanks die with it. One message is one packet;
// descriptors travel with SCM_RIGHTS.
//
// No process holds any of these sockets when plugin code runs, so all ends are trusted.
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
    blank = 3,                // fork server: a blank waits; carries its pidfd and the socket that takes its order
    no_blank = 4,             // fork server: no process could be made; error says why
    exited = 5,               // fork server: a blank, or what it became, was reaped
    // from the host
    make_blank = 16,  // to the fork server: answered by blank or no_blank
    start = 17,       // to a blank, once: carries the order's descriptors, see serve_descriptor
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

// Whether an order is there already, or the blank has time to make itself warm.
enum class BlankFor : std::uint32_t { an_order = 0, later = 1 };

struct MakeBlankMessage {
    ControlKind kind = ControlKind::make_blank;
    std::uint32_t generation = 0;
    BlankFor use = BlankFor::an_order;
};

// A process is known by its number: until `exited` it is no other's, and what comes after that is of a later one.
struct BlankMessage {
    ControlKind kind = ControlKind::blank;
    std::int32_t pid = 0;
};

struct NoBlankMessage {
    ControlKind kind = ControlKind::no_blank;
    std::int32_t error = 0;  // errno
};

struct ExitedMessage {
    ControlKind kind = ControlKind::exited;
    std::int32_t wait_status = 0;  // as waitpid gives it
    std::int32_t pid = 0;
    std::uint32_t reserved = 0;
    std::uint64_t user_microseconds = 0;
    std::uint64_t system_microseconds = 0;
    std::uint64_t peak_resident_bytes = 0;
};

struct StartMessage {
    ControlKind kind = ControlKind::start;
    WorkerRole role = WorkerRole::serve;
    std::uint32_t worker_cell = 0;
    std::uint32_t incarnation = 0;
    std::uint32_t descriptor_count = 0;
};

inline constexpr std::size_t kMaxControlMessage = 128;
inline constexpr std::size_t kMaxDependencies = 64;

// Descriptors of a `blank`, in this order.
namespace blank_descriptor {
inline constexpr std::size_t process = 0;  // pidfd
inline constexpr std::size_t orders = 1;   // its socket
inline constexpr std::size_t count = 2;
}  // namespace blank_descriptor

// Descriptors of a start message, in this order. `inspect` brings only output and library.
namespace serve_descriptor {
inline constexpr std::size_t host_outbox = 0;    // sealed: cannot be mapped writable
inline constexpr std::size_t worker_outbox = 1;  // the worker maps it writable; behind it lies the order, see LAYOUT.md
inline constexpr std::size_t output = 2;         // pipe: the worker's stdout and stderr
inline constexpr std::size_t signal = 3;         // the same pipe, not blocking: a zero byte wakes the supervisor
inline constexpr std::size_t library = 4;        // sealed memfd; private dependencies follow, bottom-up
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

// Exit status of a blank that has no descriptors for what its order brings.
inline constexpr int kOrderUnread = 3;

// Sent to a worker that hangs: its crash handler writes down where the dispatcher is, as it does for a crash.
inline constexpr int kHangSignal = 62;  // a real-time signal that hardly any plugin uses

inline constexpr std::size_t kMaxOrderDescriptors = serve_descriptor::library + 1 + kMaxDependencies;

}  // namespace bulkhead::transport
