// Methods that end the process, each in another way.
#pragma once

#include <string>
#include <string_view>

#include "bulkhead/plugin/call.hpp"

namespace faulty {

// Writes through a null pointer: SIGSEGV.
void segfault();
// Request: a path. Crashes when the file exists, after removing it; else answers "survived". So a repetition of
// the same call succeeds.
std::string segfault_idempotent(std::string_view request);
// Calls through a null function pointer: SIGSEGV with the program counter at 0.
void null_call();
// SIGABRT.
void abort_process();
// Request: the exit code, for exit() with its atexit handlers.
void exit_process(std::string_view request);
// Request: the exit code, for _exit().
void exit_at_once(std::string_view request);
// Request: the number of a signal to raise. Answers "raised" when it was survived.
std::string raise_signal(std::string_view request);
// Throws through a function of the C ABI, where nothing catches: std::terminate.
void throw_through(void* instance, bulkhead_call* call, bulkhead_bytes request);
// Recurses until the stack is used up: SIGSEGV with no stack left to handle it on.
void overflow_stack();
// The same in a thread of its own.
void overflow_thread_stack();
// Overwrites its own return address.
void smash_stack();
// Overwrites the bookkeeping before a heap block, then frees it: glibc notices, SIGABRT.
void corrupt_heap();
// Answers, then writes through a null pointer in a thread of its own while no call is running.
void crash_in_thread(bulkhead::plugin::Call call);

}  // namespace faulty
