#include "death_point.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bulkhead::worker {
namespace {

struct Sentence {
    std::string step;  // empty: none
    std::atomic<long> passes_left{0};
};

Sentence& sentence() {
    static Sentence only;
    return only;
}

}  // namespace

void arm_death_points(std::uint32_t incarnation) noexcept {
    const char* where = std::getenv("BULKHEAD_DIE_AT");
    const char* life = std::getenv("BULKHEAD_DIE_IN");
    const unsigned long wanted = life == nullptr ? 1 : std::strtoul(life, nullptr, 10);
    if (where == nullptr || (wanted != 0 && wanted != incarnation)) {
        return;
    }
    const std::string_view text(where);
    const auto colon = text.find(':');
    sentence().step = text.substr(0, colon);
    sentence().passes_left = colon == text.npos ? 1 : std::strtol(where + colon + 1, nullptr, 10);
}

void death_point(const char* name) noexcept {
    if (sentence().step == name && --sentence().passes_left == 0) {
        ::kill(::getpid(), SIGKILL);
        __builtin_trap();  // the first process of a namespace is immune to its own signals
    }
}

}  // namespace bulkhead::worker
