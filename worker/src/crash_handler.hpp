// Writes down how this process crashes, in the moment it does.
#pragma once

#include "bulkhead/transport/black_box.hpp"
#include "bulkhead/transport/layout.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {

// Has fatal signals of this process (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS) written to the black
// box: registers, the address at fault, a copy of the stack. Then the signal takes its course, so the process still
// ends by it. The handler runs on a stack of its own, takes no lock and asks for no memory. Only the first thread that
// crashes is recorded; a process forked from this one records nothing. Once, on the main thread; all arguments live as
// long as the process.
void install_crash_handler(transport::BlackBox& box, const transport::WorkerOutboxHeader& header,
                           const SignalEvent& signal) noexcept;

// Remembers where the main thread's stack ends, which takes a look through /proc. In the fork server, so that its
// workers know it without looking.
void note_main_stack() noexcept;

// Gives the calling thread a stack for the crash handler, for as long as it lives, and notes the bounds of its own:
// without it a stack overflow leaves no record. On the main thread install_crash_handler does so.
void prepare_thread_for_crash() noexcept;

}  // namespace bulkhead::worker
