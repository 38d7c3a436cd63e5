// What an explainer gives up before it looks at anything hostile.
#pragma once

namespace bulkhead::worker {

// From now on this process may ask for memory, write to `output` and end; everything else fails. False: this system has
// no seccomp filter. It gets two seconds of CPU and half a gigabyte beyond what it has.
bool confine_explainer(int output) noexcept;

}  // namespace bulkhead::worker
