// Writes down how this process crashes, in the moment it does.
#pragma once

#include "bulkhead/transport/host_outbox.hpp"
#include "bulkhead/transport/worker_outbox.hpp"
#include "signal_event.hpp"

namespace bulkhead::worker {

// Has fatal signals of this process (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGXCPU, SIGXFSZ)
// written to the black box: registers, the address at fault, a copy of the stack. The first word of it, `crashing`,
// goes to the host before that, and a worker that stands by is woken to be there when the host has decided. Then the
// signal takes its course, so the process still ends by it. The handler runs on a stack of its own, takes no lock and
// asks for no memory. Only the first thread that crashes is recorded; a process forked from this one records nothing.
// kHangSignal has the same written of the main thread, which then goes on. Once, on the main thread; all arguments live
// as long as the process.
void install_crash_handler(const transport::WorkerOutbox& outbox, const SignalEvent& signal,
                           const transport::HostOutboxView& host, const transport::WorkerCell& cell) noexcept;

}  // namespace bulkhead::worker
