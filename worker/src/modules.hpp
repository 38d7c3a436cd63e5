// Notes which libraries lie where, for whoever reads the black box.
#pragma once

#include "bulkhead/transport/black_box.hpp"
#include "load_failure.hpp"

namespace bulkhead::worker {

// Of those that are loaded now, once and for all processes that are forked from this one.
void note_first_modules();

// Those, and what was loaded since. `names` are those of the sealed copies. Not while a crash is recorded.
void note_modules(const LibraryNames& names, transport::BlackBoxRecord& record);

// Adds those that were loaded since: the one whose constructor crashes, what a plugin loaded by itself. Reads the
// loader's list without its lock, so what was half done is left out. Async-signal-safe.
void note_late_modules(transport::BlackBoxRecord& record) noexcept;

}  // namespace bulkhead::worker
