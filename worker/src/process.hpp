// What guard, fork server, blanks and workers do to themselves before anything else.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <span>

#include "bulkhead/transport/descriptor.hpp"

namespace bulkhead::worker {

// Signal dispositions and mask as a fresh program has them. The server that embeds the host may have ignored or
// blocked any signal, and both survive fork and exec.
void reset_signals() noexcept;

// The same, but what others may send is ignored: a terminal or a service manager to every process of a server, a plugin
// to its parents. The host says when to end.
void ignore_signals_of_others() noexcept;

// No core dump of this process or its children, neither in a file nor into a program's pipe. False: it was refused.
bool rule_out_core_dumps() noexcept;

// Blocks the signals and returns a descriptor that tells of them. Close-on-exec, non-blocking.
transport::Descriptor open_signals(std::initializer_list<int> signals) noexcept;

// Reads all that `signals` has to tell; the caller looks at the state of things itself. Whether `number` was among
// them.
bool drain_signals(int signals, int number) noexcept;

// Closes every descriptor from 3 up that is not in `kept` (ascending).
void close_all_but(std::span<const int> kept) noexcept;

// Points stdin, stdout and stderr at /dev/null. False: it cannot be opened.
bool null_standard_streams() noexcept;

// Has the kernel end this process with its parent. Sound because our parents have one thread: the kernel watches the
// thread that forked. Ends the process at once when `parent` is gone already.
void die_with_parent(pid_t parent) noexcept;

// No terminal reaches this process, or what it forks, any more: it has a process group of its own, and none controls
// it.
void leave_terminal() noexcept;

// The name in ps and in a core file's name; cut at 15 bytes.
void set_process_name(const char* name) noexcept;

// Orphans among our descendants become our children instead of init's.
void adopt_orphans() noexcept;

// A descriptor that becomes readable when the process is dead. Sets errno.
transport::Descriptor open_process(pid_t process) noexcept;

// Should somebody have stopped this process, it goes on when its parent dies, and can see to what follows from that.
void go_on_without_parent() noexcept;

}  // namespace bulkhead::worker
