// completions/bulkhead, as part of the program.
#pragma once

namespace bulkhead::cli {

extern const char* const kBashCompletion;

}  // namespace bulkhead::cli
