// Why a worker died, from all that is known about it.
#pragma once

#include <bulkhead/transport/launch_protocol.hpp>

#include "black_box_reader.hpp"
#include "bulkhead/host/report.hpp"
#include "manifest.hpp"
#include "oom_kills.hpp"

namespace bulkhead::detail {

// Cause, signal, exit code and resource use as the parent learnt them.
void apply_exit(Report& report, const transport::ExitedMessage& exit);

// The same of a worker whose exit status nobody told, from what its crash handler wrote, if that ran.
void apply_record(Report& report);

// A cause that says more than the signal, where there is one: out of memory, or against the policy. `detail` says what
// tells it, and "probably" where that is a guess. Leaves other causes than crash, abort and killed alone.
void refine_cause(Report& report, const CrashNotes& notes, const ProcessLimits& limits, OomKills& oom_kills);

}  // namespace bulkhead::detail
