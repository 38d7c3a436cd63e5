// The byte layout of the two shared-memory segments of a channel. LAYOUT.md beside this folder explains it.
//
// Everything here is plain memory with one writing process. Fields that change while both sides look are
// std::atomic; all others are written before the segment is handed over and never again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace bulkhead::transport {

inline constexpr std::uint64_t kHostOutboxMagic = 0x31544F4844484B42;    // "BKHDHOT1"
inline constexpr std::uint64_t kWorkerOutboxMagic = 0x3154574844484B42;  // "BKHDHWT1"
inline constexpr std::uint32_t kLayoutVersion = 1;

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kSlotSize = 2 * kCacheLine;
inline constexpr std::size_t kInlineCapacity = 88;  // payload bytes that fit into a slot
inline constexpr std::size_t kTraceIdSize = 16;
inline constexpr std::size_t kTracedInlineCapacity = 72;  // payload bytes beside a trace id
inline constexpr std::uint32_t kWorkerCells = 8;          // workers that may share one host outbox at a time
inline constexpr std::uint32_t kMaxMethods = 256;
inline constexpr std::size_t kMaxCallSlots = 4096;
inline constexpr std::uint64_t kMaxPayload = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kMaxState = std::uint64_t{1} << 30;
inline constexpr std::size_t kMaxErrorText = 4096;  // bytes of a plugin_error
inline constexpr std::uint64_t kNoPosition = ~std::uint64_t{0};

// What a slot carries. Numbers are part of the layout; those without a user yet are reserved.
enum class Kind : std::uint8_t {
    none = 0,
    // host to worker
    call = 1,
    host_reply = 16,            // reserved: answer of a host function to the plugin
    stream_to_worker = 17,      // reserved
    descriptor_to_worker = 18,  // reserved
    // worker to host
    reply = 64,               // the plugin answered
    plugin_error = 65,        // the plugin failed: status is its number, the payload its text
    skipped = 66,             // taken but never begun, because the host had cancelled it
    reply_too_large = 67,     // the plugin's answer was over the payload limit; status unused, no payload
    host_call = 80,           // reserved: the plugin calls a host function
    stream_to_host = 81,      // reserved
    descriptor_to_host = 82,  // reserved
};

enum SlotFlags : std::uint8_t {
    kSlotInSlab = 1,  // the payload lies in the writer's slab; `inline_bytes` starts with a SlabReference
    kSlotTraced = 2,  // the last 16 of `inline_bytes` are a trace id
};

// One message. The sequence is position + 1 once the message at that position is published, and is stored
// last, with release order. Positions count up from 0 for the life of the ring and never wrap (2^64).
struct alignas(kCacheLine) Slot {
    std::atomic<std::uint64_t> sequence;
    std::uint64_t call_id;
    std::uint32_t incarnation;
    std::uint8_t kind;
    std::uint8_t flags;
    std::uint16_t method;
    std::uint32_t length;  // payload bytes
    std::int32_t status;   // plugin_error: the plugin's own number
    // call: CLOCK_MONOTONIC in nanoseconds, 0 for none. Answers: the sequence of the checkpoint that has to be taken
    // before the answer is delivered, 0 for none.
    std::uint64_t deadline;
    std::byte inline_bytes[kInlineCapacity];
};
static_assert(sizeof(Slot) == kSlotSize && std::is_standard_layout_v<Slot>);
static_assert(offsetof(Slot, sequence) == 0 && offsetof(Slot, call_id) == 8);
static_assert(offsetof(Slot, incarnation) == 16 && offsetof(Slot, kind) == 20 && offsetof(Slot, flags) == 21);
static_assert(offsetof(Slot, method) == 22 && offsetof(Slot, length) == 24 && offsetof(Slot, status) == 28);
static_assert(offsetof(Slot, deadline) == 32 && offsetof(Slot, inline_bytes) == 40);
static_assert(kTracedInlineCapacity + kTraceIdSize == kInlineCapacity);

struct SlabReference {
    std::uint64_t offset;  // from the start of the slab; a multiple of kSlabAlignment
};

// Where everything is. Computed by plan_geometry(), written once by the host into its outbox.
struct Geometry {
    std::uint32_t call_slots;     // calls that may be in flight; call ids index this range
    std::uint32_t request_slots;  // a power of two, at least twice call_slots
    std::uint32_t reply_slots;    // a power of two, at least call_slots plus kReplyCredit
    std::uint32_t log_slots;      // a power of two
    std::uint64_t payload_limit;
    std::uint64_t request_slab_size;
    std::uint64_t reply_slab_size;
    std::uint64_t state_limit;  // bytes of a checkpoint's state

    std::uint64_t cells_offset;  // in the host outbox
    std::uint64_t request_ring_offset;
    std::uint64_t request_slab_offset;
    std::uint64_t committed_state_offset;  // two areas of state_limit bytes, each from a page on
    std::uint64_t host_outbox_size;

    std::uint64_t methods_offset;  // in the worker outbox
    std::uint64_t black_box_offset;
    std::uint64_t log_ring_offset;
    std::uint64_t reply_ring_offset;
    std::uint64_t reply_slab_offset;
    std::uint64_t checkpoint_offset;  // two areas: a CheckpointHeader, then state_limit bytes; each from a page on
    std::uint64_t worker_outbox_size;

    bool operator==(const Geometry&) const = default;
};
static_assert(sizeof(Geometry) == 144);

inline constexpr std::uint32_t kReplyCredit = 64;   // reply slots beyond the calls, for reserved kinds
inline constexpr std::size_t kSlabAlignment = 256;  // a block starts on its own line pair

// ---- host outbox: written by the host, read by its workers -----------------------------------------------

// What the host tells one worker. `start` and `stop` are each stored once in a worker's life: it serves the
// positions from start up to, not including, stop. Publishing `start` is the take-over.
struct alignas(kCacheLine) WorkerCell {
    // Line 1 changes only on life-cycle events.
    std::atomic<std::uint64_t> start;        // kNoPosition: stand by
    std::atomic<std::uint64_t> stop;         // kNoPosition: serve on
    std::atomic<std::uint32_t> incarnation;  // whose cell this is
    std::atomic<std::uint32_t> shut_down;    // 1: answer what has begun, destroy the instance, exit
    std::atomic<std::uint32_t> spin_permit;  // 1: may spin before it parks
    std::atomic<std::uint32_t> seen_ready;   // 1: the host knows that it is ready
    std::uint32_t reserved1[8];
    // Line 2 changes when the host rings: the futex word the worker waits on.
    std::atomic<std::uint32_t> bell;
    std::uint32_t reserved2[15];
    // Line 3 changes when the host's reader parks.
    std::atomic<std::uint32_t> host_waits;  // HostWaits
    std::uint32_t reserved3[15];
};
static_assert(sizeof(WorkerCell) == 3 * kCacheLine && std::is_standard_layout_v<WorkerCell>);
static_assert(offsetof(WorkerCell, start) == 0 && offsetof(WorkerCell, stop) == 8);
static_assert(offsetof(WorkerCell, incarnation) == 16 && offsetof(WorkerCell, shut_down) == 20);
static_assert(offsetof(WorkerCell, spin_permit) == 24 && offsetof(WorkerCell, seen_ready) == 28);
static_assert(offsetof(WorkerCell, bell) == kCacheLine && offsetof(WorkerCell, host_waits) == 2 * kCacheLine);

// How the host wants to be told of a reply.
enum HostWaits : std::uint32_t {
    kHostLooks = 0,   // somebody spins on the ring, or nobody expects anything
    kHostParked = 1,  // a thread waits on the bell in the worker outbox
    kHostPolls = 2,   // the supervisor polls the worker's eventfd
};

// What the host tells about one call slot. Both are call ids, which grow in each slot, so a stale one means nothing.
struct CallCell {
    std::atomic<std::uint64_t> cancelled;  // this call has its outcome: do not begin it; if begun, give up
    std::atomic<std::uint64_t> released;   // no slab block of this call or of one before it is needed any more
};
static_assert(sizeof(CallCell) == 16 && std::is_standard_layout_v<CallCell>);
static_assert(offsetof(CallCell, cancelled) == 0 && offsetof(CallCell, released) == 8);

inline constexpr std::uint64_t kNoCheckpoint = 0;
inline constexpr std::uint64_t kAnyCheckpoint = ~std::uint64_t{0};

struct HostOutboxHeader {
    std::uint64_t magic;
    std::uint32_t layout_version;
    std::uint32_t spin_nanoseconds;  // what a wake-up costs here; spin no longer than this before parking
    Geometry geometry;
    // The committed state. Written before a take-over, and not again before that worker's first checkpoint.
    std::uint32_t has_state;  // 0: there is none, the worker begins as create left it
    std::uint32_t state_version;
    std::uint32_t state_area;  // 0 or 1
    // 0 for ever. A caller that waits while nobody serves sleeps on it, and a worker's first answer wakes it: it could
    // not have known the bell of a worker that was yet to come.
    std::atomic<std::uint32_t> first_answer;
    std::uint64_t state_length;
    std::uint8_t reserved2[8];
    // The checkpoint that the host copies now: its sequence, or one of the two words above. A worker does not write in
    // that one's place meanwhile.
    std::atomic<std::uint64_t> held_checkpoint;
    std::uint8_t reserved3[56];
    WorkerCell cells[kWorkerCells];
};
static_assert(std::is_standard_layout_v<HostOutboxHeader>);
static_assert(offsetof(HostOutboxHeader, magic) == 0 && offsetof(HostOutboxHeader, layout_version) == 8);
static_assert(offsetof(HostOutboxHeader, spin_nanoseconds) == 12 && offsetof(HostOutboxHeader, geometry) == 16);
static_assert(offsetof(HostOutboxHeader, has_state) == 160 && offsetof(HostOutboxHeader, state_length) == 176);
static_assert(offsetof(HostOutboxHeader, first_answer) == 172 && offsetof(HostOutboxHeader, held_checkpoint) == 192);
static_assert(offsetof(HostOutboxHeader, cells) == 256);
static_assert(sizeof(HostOutboxHeader) == 256 + kWorkerCells * sizeof(WorkerCell));

// ---- worker outbox: written by one worker, read by the host ----------------------------------------------

enum class Life : std::uint32_t {
    blank = 0,          // nothing written yet
    loading = 1,        // the policy is on; the library is being loaded
    ready = 2,          // methods are described; waits for its start position
    refused = 3,        // could not start or be activated; `failure` says why in one sentence
    stopped = 4,        // shut down in order
    restoring = 5,      // has its start position; the plugin loads the committed state
    activating = 6,     // the plugin is being activated
    serving = 7,        // takes requests
    handed_over = 8,    // reached `stop`: everything is answered, the plugin deactivated, the last checkpoint written
    state_refused = 9,  // the plugin refused the committed state; `failure` says why
};

// What the host has to know of a plugin beside its methods.
enum WorkerTraits : std::uint32_t {
    kHasActivate = 1,  // only one worker may be active: a successor waits until this one is dead for certain
    kHasState = 2,     // it saves and loads
};

// One entry of the plugin's method table, in the plugin's order; its index is the slot's `method`.
struct MethodRecord {
    char name[60];        // zero-terminated
    std::uint32_t flags;  // bulkhead_method flags of the plugin ABI
};
static_assert(sizeof(MethodRecord) == 64 && offsetof(MethodRecord, flags) == 60);

inline constexpr std::size_t kFailureCapacity = 1024;
inline constexpr std::size_t kBlackBoxSize = 68 * 1024;  // see black_box.hpp

// A robust mutex that the dispatcher thread holds as long as it lives, and that nobody else ever touches: not a lock,
// but the one thing the kernel marks when a thread ends, before it frees the memory of the process. It then wakes one
// of those who wait on the word.
struct DeathNotice {
    std::atomic<std::uint32_t> word;  // futex; 0: not armed yet
    std::uint32_t rest[15];           // the C library's
};
inline constexpr std::uint32_t kDispatcherDied = 0x4000'0000;  // in `word`; the kernel's FUTEX_OWNER_DIED

// In `current_call_id`: the plugin's function that the dispatcher runs outside of calls. No call has such an id.
inline constexpr std::uint64_t kInSave = ~std::uint64_t{0};
inline constexpr std::uint64_t kInDeactivate = kInSave - 1;
inline constexpr std::uint64_t kInDestroy = kInSave - 2;

struct WorkerOutboxHeader {
    // Line 1: identity, written once after mapping.
    std::uint64_t magic;
    std::uint32_t layout_version;
    std::uint32_t incarnation;
    std::int32_t pid;
    std::uint32_t reserved1[11];
    // Line 2: life-cycle; the host looks after an eventfd signal, never in a loop.
    alignas(kCacheLine) std::atomic<std::uint32_t> life;  // Life
    std::uint32_t method_count;
    std::uint32_t failure_length;
    std::uint32_t traits;  // WorkerTraits
    std::uint32_t reserved2[12];
    // Line 3: positions below this have entered the plugin or were skipped. The host reads it on deaths,
    // expired deadlines and when the ring looks full.
    alignas(kCacheLine) std::atomic<std::uint64_t> begun;
    // Black box: what the dispatcher is running: a call's id, 0 when idle, or one of the numbers above.
    std::atomic<std::uint64_t> current_call_id;
    std::atomic<std::uint32_t> answers_held;  // given by the plugin, but waiting for a checkpoint
    std::uint32_t reserved3[11];
    // Line 4: read by the host after each request.
    alignas(kCacheLine) std::atomic<std::uint32_t> parked;  // 1: the dispatcher waits on its cell's bell
    std::atomic<std::uint32_t> waits_for_room;  // above 0: threads wait on that bell for slab blocks to be released
    std::uint32_t reserved4[14];
    // Line 5: the futex word the host's reader waits on.
    alignas(kCacheLine) std::atomic<std::uint32_t> bell;
    std::uint32_t reserved5[15];
    // Line 6: log ring position: lines below it are published.
    alignas(kCacheLine) std::atomic<std::uint64_t> log_head;
    std::uint64_t reserved6[7];
    // Line 7: the checkpoint of this sequence is complete; 0: none yet. And the first word of a death.
    alignas(kCacheLine) std::atomic<std::uint64_t> checkpoint;
    std::atomic<std::uint32_t> crashing;  // 1: the crash handler runs on the dispatcher thread, 2: on another one
    std::uint32_t reserved7[13];
    // Line 8: the kernel's word of a death.
    alignas(kCacheLine) DeathNotice death;
    char failure[kFailureCapacity];
};
static_assert(sizeof(WorkerOutboxHeader) == 8 * kCacheLine + kFailureCapacity);
static_assert(std::is_standard_layout_v<WorkerOutboxHeader>);
static_assert(offsetof(WorkerOutboxHeader, magic) == 0 && offsetof(WorkerOutboxHeader, layout_version) == 8);
static_assert(offsetof(WorkerOutboxHeader, incarnation) == 12 && offsetof(WorkerOutboxHeader, pid) == 16);
static_assert(offsetof(WorkerOutboxHeader, life) == 64 && offsetof(WorkerOutboxHeader, method_count) == 68);
static_assert(offsetof(WorkerOutboxHeader, failure_length) == 72);
static_assert(offsetof(WorkerOutboxHeader, traits) == 76);
static_assert(offsetof(WorkerOutboxHeader, begun) == 128 && offsetof(WorkerOutboxHeader, current_call_id) == 136);
static_assert(offsetof(WorkerOutboxHeader, answers_held) == 144);
static_assert(offsetof(WorkerOutboxHeader, parked) == 192 && offsetof(WorkerOutboxHeader, waits_for_room) == 196);
static_assert(offsetof(WorkerOutboxHeader, bell) == 256 && offsetof(WorkerOutboxHeader, log_head) == 320);
static_assert(offsetof(WorkerOutboxHeader, checkpoint) == 384 && offsetof(WorkerOutboxHeader, crashing) == 392);
static_assert(offsetof(WorkerOutboxHeader, death) == 448 && offsetof(WorkerOutboxHeader, failure) == 512);

// One of a worker's two checkpoints; the state's bytes follow. The one with sequence s lies in area s mod 2, so a death
// in the middle of one leaves the one before.
struct alignas(kCacheLine) CheckpointHeader {
    std::atomic<std::uint64_t> sequence;  // counts from 1 in a worker's life; 0 while it is being written
    std::uint64_t position;               // requests below it were taken before the state was saved
    std::uint64_t length;                 // bytes of the state
    std::uint64_t checksum;               // XXH3 of them
    std::uint32_t state_version;
    std::uint32_t open_calls;  // of those requests, so many had no answer yet: what they did may be in it or not
    std::uint64_t reserved[3];
};
static_assert(sizeof(CheckpointHeader) == kCacheLine && std::is_standard_layout_v<CheckpointHeader>);
static_assert(offsetof(CheckpointHeader, position) == 8 && offsetof(CheckpointHeader, length) == 16);
static_assert(offsetof(CheckpointHeader, checksum) == 24 && offsetof(CheckpointHeader, state_version) == 32);
static_assert(offsetof(CheckpointHeader, open_calls) == 36);

// One log line of the plugin. The ring loses the oldest; the reader compares sequences and counts the gap.
inline constexpr std::size_t kLogLineCapacity = 240;
struct alignas(kCacheLine) LogSlot {
    std::atomic<std::uint64_t> sequence;  // position + 1; 0 while it is being overwritten
    std::uint32_t level;                  // bulkhead_log_level of the plugin ABI
    std::uint32_t length;                 // over kLogLineCapacity: the line was cut
    char text[kLogLineCapacity];
};
static_assert(sizeof(LogSlot) == 4 * kCacheLine && std::is_standard_layout_v<LogSlot>);
static_assert(offsetof(LogSlot, level) == 8 && offsetof(LogSlot, length) == 12 && offsetof(LogSlot, text) == 16);

// An atomic with a lock inside would be a lock shared with the peer.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<std::uint32_t>) == 4);

}  // namespace bulkhead::transport
