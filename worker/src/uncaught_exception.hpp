// Notes which exception ended the process, for whoever reads the black box.
#pragma once

#include "bulkhead/transport/black_box.hpp"

namespace bulkhead::worker {

// Stands before the C++ library's terminate handler, which still says what it says and aborts. A plugin that brings a
// C++ library of its own has that one's handler. `record` lives as long as the process.
void note_uncaught_exceptions(transport::BlackBoxRecord& record) noexcept;

}  // namespace bulkhead::worker
