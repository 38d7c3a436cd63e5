// Methods that do not come back.
#pragma once

#include <string>

#include "bulkhead/plugin/call.hpp"

namespace faulty {

// Computes for ever.
void hang();
// Works until nobody waits for it any more, then answers "gave up".
std::string hang_cancellable(bulkhead::plugin::Call& call);
// Sleeps for ever.
[[noreturn]] void sleep_forever();
// Stops the whole process; answers "continued" should somebody continue it.
std::string stop_self();

}  // namespace faulty
