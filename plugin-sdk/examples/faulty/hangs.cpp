#include "hangs.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

namespace faulty {

void hang() {
    for (std::atomic<unsigned> turns{0};;) {
        turns.fetch_add(1, std::memory_order_relaxed);
    }
}

std::string hang_cancellable(bulkhead::plugin::Call& call) {
    while (!call.cancelled()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return "gave up";
}

void sleep_forever() {
    for (;;) {
        ::pause();
    }
}

std::string stop_self() {
    ::kill(::getpid(), SIGSTOP);
    return "continued";
}

}  // namespace faulty
