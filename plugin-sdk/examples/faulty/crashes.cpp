#include "crashes.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include "arguments.hpp"

// The faults are meant to reach the processor and glibc, not a sanitizer. Volatile variables keep the compiler from
// seeing them come.
#define FAULTY_UNSANITIZED __attribute__((noinline, no_sanitize("undefined"), no_sanitize("address")))

namespace faulty {
namespace {

FAULTY_UNSANITIZED void write_to_null() {
    volatile std::uintptr_t nowhere = 0;
    *reinterpret_cast<volatile int*>(nowhere) = 1;
}

volatile bool go_deeper = true;

// Not a loop to the compiler: it uses its frame after the call.
FAULTY_UNSANITIZED int recurse(int depth) {
    volatile char frame[1024];
    frame[0] = static_cast<char>(depth);
    int (*volatile next)(int) = recurse;
    return go_deeper ? next(depth + 1) + frame[0] : frame[0];
}

FAULTY_UNSANITIZED void overwrite_frame() {
    char small[16];
    void* (*volatile fill)(void*, int, std::size_t) = std::memset;
    volatile std::size_t too_much = 512;
    fill(small, 0x5A, too_much);
    char* volatile keep = small;
    (void)keep;
}

}  // namespace

void segfault() { write_to_null(); }

std::string segfault_idempotent(std::string_view request) {
    if (::unlink(std::string(request).c_str()) == 0) {
        write_to_null();
    }
    return "survived";
}

FAULTY_UNSANITIZED void null_call() {
    void (*volatile nothing)() = nullptr;
    nothing();
}

void abort_process() { std::abort(); }

void exit_process(std::string_view request) { std::exit(parse_number<int>(request, "exit")); }

void exit_at_once(std::string_view request) { ::_exit(parse_number<int>(request, "_exit")); }

std::string raise_signal(std::string_view request) {
    std::raise(parse_number<int>(request, "raise"));
    return "raised";
}

void throw_through(void*, bulkhead_call*, bulkhead_bytes) { throw std::runtime_error("thrown through the C ABI"); }

void overflow_stack() { recurse(0); }

void overflow_thread_stack() {
    std::thread([] { recurse(0); }).join();
}

void smash_stack() { overwrite_frame(); }

FAULTY_UNSANITIZED void corrupt_heap() {
    // The word before a block holds its size; no block is that small.
    auto* volatile block = static_cast<volatile std::size_t*>(std::malloc(100));
    block[-1] = 1;
    std::free(const_cast<std::size_t*>(block));
    std::abort();  // the heap of a sanitizer keeps its books elsewhere and misses nothing
}

void crash_in_thread(bulkhead::plugin::Call call) {
    std::thread([call = std::move(call)]() mutable {
        call.reply("crashing in a thread");
        write_to_null();
    }).detach();
}

}  // namespace faulty
