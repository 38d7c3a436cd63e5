// What bulkhead-bench and its bare fork server say to each other, one byte or one pid at a time.
#pragma once

namespace bulkhead::bench {

// The server's standard descriptors are the caller's; these two are sockets.
inline constexpr int kOrdersDescriptor = 3;      // caller to server: any byte asks for a process
inline constexpr int kFaultClockDescriptor = 5;  // shared memory: a process that faults writes CLOCK_MONOTONIC before
inline constexpr int kWorkerDescriptor = 4;  // process to caller: its pid once it is ready; to it: any byte, to crash

}  // namespace bulkhead::bench
