// Has the kernel tell the host when the dispatcher dies.
#pragma once

#include "bulkhead/transport/layout.hpp"

namespace bulkhead::worker {

// Arms the notice for the calling thread. Once, on the main thread. Where it cannot be armed, the host learns of the
// death by the pidfd alone.
void arm_death_notice(transport::DeathNotice& notice) noexcept;

}  // namespace bulkhead::worker
