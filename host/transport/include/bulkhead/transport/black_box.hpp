// What a worker leaves behind about its crash: the part of its outbox that its crash handler writes. LAYOUT.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "bulkhead/transport/layout.hpp"

namespace bulkhead::transport {

enum class BlackBoxState : std::uint32_t {
    empty = 0,     // no crash was seen
    writing = 1,   // a thread is in the crash handler
    complete = 2,  // the record may be read
};

// One loaded library or the program. Addresses are the worker's.
struct BlackBoxModule {
    std::uint64_t begin;  // of its first segment
    std::uint64_t end;
    std::uint64_t code_begin;  // of its first executable segment
    std::uint64_t code_end;
    std::uint64_t bias;  // add it to an address in the file
    std::uint8_t build_id[20];
    std::uint32_t build_id_length;
    char name[64];  // zero-terminated; the end of a long one
};
static_assert(sizeof(BlackBoxModule) == 128 && std::is_standard_layout_v<BlackBoxModule>);

inline constexpr std::size_t kBlackBoxModules = 96;
inline constexpr std::size_t kBlackBoxRegisters = 23;  // as in gregset_t of x86-64
inline constexpr std::size_t kBlackBoxStack = 52 * 1024;
inline constexpr std::size_t kBlackBoxException = 184;

enum BlackBoxFlags : std::uint32_t {
    kAddressSpaceUsedUp = 1,  // not even a little memory could be had
    kBadAllocation = 2,       // `exception` is a std::bad_alloc
};

// Modules and bounds are written before the worker is ready, the rest by the crash handler.
struct BlackBoxRecord {
    std::int32_t signal;  // kHangSignal: no crash, the host asked where the dispatcher is
    std::int32_t code;    // si_code
    std::int32_t thread;  // its id; the dispatcher's is the process's
    std::uint32_t module_count;
    std::uint64_t fault_address;  // si_addr
    std::uint64_t call_id;        // what the dispatcher was running, 0 when idle
    std::uint64_t stack_begin;    // lowest address of the thread's stack, 0: not known
    std::uint64_t stack_end;
    std::uint64_t heap_begin;  // of the main heap
    std::uint64_t heap_end;
    std::uint64_t registers[kBlackBoxRegisters];
    std::uint64_t copy_address;  // where the copied bytes of the stack lay
    std::uint64_t copy_length;
    std::uint64_t channel_begin;  // where the worker's outbox lay
    std::uint64_t channel_end;
    std::uint32_t flags;  // BlackBoxFlags
    std::uint32_t reserved;
    char exception[kBlackBoxException];  // zero-terminated "type: text" of one that nobody caught; empty: none
    BlackBoxModule modules[kBlackBoxModules];
};
static_assert(std::is_standard_layout_v<BlackBoxRecord>);
static_assert(offsetof(BlackBoxRecord, registers) == 64 && offsetof(BlackBoxRecord, copy_address) == 248);
static_assert(offsetof(BlackBoxRecord, exception) == 288 && offsetof(BlackBoxRecord, modules) == 472);

struct BlackBox {
    std::atomic<std::uint32_t> state;  // BlackBoxState; stored last (release)
    std::uint32_t reserved[15];
    BlackBoxRecord record;
    std::byte stack[kBlackBoxStack];
};
static_assert(offsetof(BlackBox, record) == kCacheLine && sizeof(BlackBox) <= kBlackBoxSize);

}  // namespace bulkhead::transport
