// Notes which libraries lie where, for whoever reads the black box.
#pragma once

#include "bulkhead/transport/black_box.hpp"
#include "load_failure.hpp"

namespace bulkhead::worker {

// All that are loaded now. `names` are those of the sealed copies. Not while a crash is recorded.
void note_modules(const LibraryNames& names, transport::BlackBoxRecord& record);

}  // namespace bulkhead::worker
