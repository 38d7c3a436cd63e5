// The stacks of threads, and those that the crash handler runs on.
#pragma once

#include <cstdint>

namespace bulkhead::worker {

// Remembers where the main thread's stack ends, which takes a look through /proc. In the fork server, so that its
// workers know it without looking.
void note_main_stack() noexcept;

// Gives the calling thread a stack for the crash handler, for as long as it lives, and notes the bounds of its own:
// without it a stack overflow leaves no record.
void prepare_thread_for_crash() noexcept;

// In a blank: the stack that prepare_main_thread_for_crash() would provide, touched as far as the handler will need it.
void provide_handler_stack() noexcept;

// The same for the main thread, with what note_main_stack() found and the limit that holds now.
void prepare_main_thread_for_crash() noexcept;

// Lowest address and end. Zeros in a thread that was never prepared. Async-signal-safe.
struct StackBounds {
    std::uint64_t begin;
    std::uint64_t end;
};
StackBounds stack_of_this_thread() noexcept;

}  // namespace bulkhead::worker
